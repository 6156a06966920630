// The key of an issuer of tokens for transcripts alone: the other half of it is forgotten.
export const TEST_TOKEN_ISSUER = "https://id.example.org";
export const TEST_TOKEN_AUDIENCE = "mail.example.org";
export const TEST_TOKEN_KEYS = {
  keys: [
    {
      kty: "EC",
      x: "vo_-KyQ-Dv03zOcurCNEZreoYMQ3AxVlKAcyUO73VRo",
      y: "cyz0El1ON7QAxDdzddvYmOb-DojXpIfdRewtCqPpswU",
      crv: "P-256",
      kid: "test",
      alg: "ES256",
      use: "sig",
    },
  ],
};
