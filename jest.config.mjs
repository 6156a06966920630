// Tests run straight from the TypeScript sources; end-to-end tests start the built processes (`pretest` builds them).
export default {
  testEnvironment: "node",
  testEnvironmentOptions: { customExportConditions: ["source", "node", "node-addons"] },
  testMatch: ["<rootDir>/packages/*/src/**/*.test.ts", "<rootDir>/test/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", "/dist/"],
  modulePathIgnorePatterns: ["/dist/"],
  setupFiles: ["<rootDir>/test/support/native-errors.cjs"],
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      {
        jsc: { target: "es2023", parser: { syntax: "typescript" } },
        module: { type: "commonjs" },
        sourceMaps: "inline",
      },
    ],
  },
  maxWorkers: 2,
  workerIdleMemoryLimit: "600MB",
  testTimeout: 30_000,
};
