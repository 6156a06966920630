// fast-check with the seed that all random tests have (see jest.config.mjs).
const fastCheck = require("../../node_modules/fast-check/lib/cjs/fast-check.js");

fastCheck.configureGlobal({ seed: Number(process.env.TEST_SEED) });

module.exports = fastCheck;
