// Inside jest's realm an error thrown by node's core is no `instanceof Error`; this makes it one.
const { isNativeError } = require("node:util").types;

Object.defineProperty(Error, Symbol.hasInstance, {
  value(error) {
    return (this === Error && isNativeError(error)) || Function.prototype[Symbol.hasInstance].call(this, error);
  },
});
