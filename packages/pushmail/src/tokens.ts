// Who may vouch for the holders of accounts, as the settings say it.
import { readFile } from "node:fs/promises";
import { createTokenChecker, type TokenChecker, type TokenLimits, type TokenSettings } from "@pushmail/sasl";
import { isTable } from "./setting-check.ts";
import type { ServerSettings } from "./settings.ts";
import { StartFault } from "./start-fault.ts";

type OauthSettings = Pick<
  ServerSettings,
  "oauthIssuer" | "oauthAudience" | "oauthClaim" | "oauthKeys" | "oauthKeysUrl" | "oauthIntrospectionUrl"
>;

/** Undefined where no issuer is set. */
export async function loadTokenChecker(
  settings: OauthSettings,
  limits: TokenLimits,
): Promise<TokenChecker | undefined> {
  const { oauthIssuer: issuer, oauthAudience: audience, oauthClaim: claim } = settings;
  const { oauthKeys, oauthKeysUrl, oauthIntrospectionUrl } = settings;
  const sources = [oauthKeys, oauthKeysUrl, oauthIntrospectionUrl].filter((source) => source !== "").length;
  if (issuer === "" && audience === "" && sources === 0) return undefined;
  if (issuer === "") throw new StartFault("oauthIssuer is missing");
  if (!URL.canParse(issuer)) throw new StartFault("oauthIssuer is no URL");
  // Else whoever gets a token for another service of the issuer could log in here with it.
  if (audience === "") throw new StartFault("oauthAudience is missing");
  if (sources !== 1) {
    throw new StartFault("one of oauthKeys, oauthKeysUrl and oauthIntrospectionUrl is needed, and no more");
  }
  return createTokenChecker({ issuer, audience, claim, limits, source: await sourceOf(settings) });
}

async function sourceOf(settings: OauthSettings): Promise<TokenSettings["source"]> {
  const { oauthKeys, oauthKeysUrl, oauthIntrospectionUrl } = settings;
  if (oauthKeysUrl !== "") {
    const keys = urlIn("oauthKeysUrl", oauthKeysUrl);
    // No request can be made of such a one.
    if (keys.username !== "" || keys.password !== "") throw new StartFault("oauthKeysUrl takes no name and password");
    return { keys };
  }
  if (oauthIntrospectionUrl !== "") {
    const introspection = urlIn("oauthIntrospectionUrl", oauthIntrospectionUrl);
    try {
      decodeURIComponent(introspection.username + introspection.password);
    } catch (error) {
      throw new StartFault("oauthIntrospectionUrl: name and password must be percent-encoded", { cause: error });
    }
    return { introspection };
  }
  try {
    const keys: unknown = JSON.parse(await readFile(oauthKeys, "utf8"));
    if (!isKeySet(keys)) throw new Error("it has no keys");
    return { keys };
  } catch (error) {
    throw new StartFault(`oauthKeys "${oauthKeys}": ${(error as Error).message}`, { cause: error });
  }
}

/** RFC 7517 5 */
function isKeySet(keys: unknown): keys is { keys: [] } {
  return isTable(keys) && Array.isArray(keys["keys"]) && keys["keys"].every(isTable);
}

/** Over the network, by TLS alone: whoever sits in between would say whose a token is. */
function urlIn(name: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLocal = url?.protocol === "http:" && ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  if (url === undefined || (url.protocol !== "https:" && !isLocal)) {
    throw new StartFault(`${name} must be an https URL, or an http one of this machine`);
  }
  return url;
}
