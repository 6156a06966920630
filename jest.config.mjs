// Tests run straight from the TypeScript sources; end-to-end tests start the built processes (`npm test` builds them).

// One seed for every random test: the same in each run, so that a run which judges a change is repeatable;
// TEST_SEED=random takes a new one and says it, TEST_SEED=NUMBER replays that.
process.env.TEST_SEED ??= "1";
if (process.env.TEST_SEED === "random") {
  process.env.TEST_SEED = String(Math.floor(Math.random() * 2 ** 31));
  console.error(`TEST_SEED=${process.env.TEST_SEED}`);
}

const swc = (parser) => [
  "@swc/jest",
  { jsc: { target: "es2023", parser }, module: { type: "commonjs" }, sourceMaps: "inline" },
];

export default {
  testEnvironment: "node",
  testEnvironmentOptions: { customExportConditions: ["source", "node", "node-addons"] },
  testMatch: ["<rootDir>/packages/*/src/**/*.test.ts", "<rootDir>/test/**/*.test.ts", "<rootDir>/bench/**/*.test.ts"],
  // LARGE_CLIENTS=1: `npm run test:clients:large`.
  testPathIgnorePatterns: ["/node_modules/", "/dist/", ...(process.env.LARGE_CLIENTS ? [] : ["/test/clients/large/"])],
  modulePathIgnorePatterns: ["/dist/"],
  moduleNameMapper: { "^fast-check$": "<rootDir>/test/support/seeded-fast-check.cjs" },
  setupFiles: ["<rootDir>/test/support/native-errors.cjs"],
  transform: {
    "^.+\\.ts$": swc({ syntax: "typescript" }),
    // An ES module alone.
    "/node_modules/jose/.+\\.js$": swc({ syntax: "ecmascript" }),
  },
  transformIgnorePatterns: ["/node_modules/(?!jose/)"],
  maxWorkers: 2,
  workerIdleMemoryLimit: "600MB",
  // A guard against hanging, not a measure: machines that judge a change may be busy with much else.
  testTimeout: 120_000,
};
