// kill -9 under load, at every named step and at random moments, over and over on one data directory: what was
// acknowledged is there as a whole, nothing else is, numbers never go back, and idle clients end with a right view.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { checkStore, findingLine } from "@pushmail/mailstore/maintenance";
import { makeDataDirectory, type DataDirectory } from "../support/data-directory.ts";
import type { RawImap } from "../support/raw-imap.ts";
import { seededRandom, testSeed } from "../support/seeded-random.ts";
import { ANN, BEN, CrashLoad, openSession, PASSWORD, readEverything } from "./crash-load.ts";
import { KILL_STEPS } from "./kill-steps.ts";
import { KillableServer, type Addresses } from "./killable-server.ts";
import { Ledger } from "./ledger.ts";
import { MailboxMirror } from "./mailbox-mirror.ts";
import { Marks } from "./marks.ts";

const KILLS = Number(process.env["TEST_KILLS"] ?? 32);
/** So many kills are between two checks of all that is on disk. */
const CHECK_EVERY = 5;
/** A step that comes too seldom is not waited for beyond so many acknowledgements. */
const ACKNOWLEDGED_MAX = 600;
const GONE = /connection ended|EPIPE|ECONNRESET|ECONNREFUSED|421 4.3.2 Shutting down/;

const steps = Object.entries(KILL_STEPS).filter(([, passes]) => passes > 0);
const random = seededRandom(testSeed());
const below = (bound: number): number => Math.floor(random() * bound);
const ledger = new Ledger();
const load = new CrashLoad(ledger, random);
const marks = new Marks();
const mirrors = (["QRESYNC", "CONDSTORE"] as const).map((resync) => new MailboxMirror(resync));

let directory: DataDirectory;
beforeAll(async () => {
  directory = await makeDataDirectory([]);
});
afterAll(() => {
  KillableServer.killAll();
  return directory.remove();
});

function start(killAt: string): KillableServer {
  return new KillableServer(directory.data, { [ANN]: PASSWORD, [BEN]: PASSWORD }, killAt);
}

/** What a check of the directory finds. */
async function findings(): Promise<string[]> {
  const found: string[] = [];
  await checkStore({ directory: directory.data, onFinding: (finding) => found.push(findingLine(finding)) });
  return found;
}

/** Holds all that is there against all that is known. */
async function verify({ imap }: Addresses): Promise<void> {
  const session = await openSession(imap, ANN);
  expect(await marks.take(session)).toEqual([]);
  marks.rest();
  const found = await readEverything(imap, load.bodies);
  expect(ledger.settle(found)).toEqual([]);
  session.close();
}

/** Changes all there is until the server is gone; sends it the signal after so many acknowledgements. */
async function workOn(server: KillableServer, addresses: Addresses, plan: Plan): Promise<void> {
  const [watcher, ...sessions] = await Promise.all([null, ...mirrors].map(() => openSession(addresses.imap, ANN)));
  // Before anything changes, so that what they are told and what there is are of one moment.
  for (const [i, mirror] of mirrors.entries()) expect(await mirror.resume(sessions[i] as RawImap)).toEqual([]);
  const following = mirrors.map((mirror, i) => mirror.follow(sessions[i] as RawImap));
  const target = ledger.acknowledged + plan.acknowledgements;
  const watching = (async () => {
    while (ledger.acknowledged < target) expect(await marks.take(watcher as RawImap)).toEqual([]);
  })().finally(() => server.signal(plan.signal));
  const outcomes = await Promise.allSettled([watching, ...following, ...load.start(addresses)]);
  const reasons = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
  // That the server is gone ends them all; what else went wrong must not be lost behind it.
  throw reasons.find((reason) => !GONE.test(String(reason))) ?? reasons[0];
}

/** How a server ends: at a step, or by a signal after so many acknowledgements. */
interface Plan {
  readonly killAt: string;
  readonly acknowledgements: number;
  readonly signal: "SIGKILL" | "SIGTERM";
}

/** All steps in turn; in between, in a long run, any moment. */
function planFor(kill: number): Plan {
  const [step, passes] = steps[kill % steps.length] as [string, number];
  if (kill >= steps.length && below(2) === 0)
    return { killAt: "-", acknowledgements: 1 + below(100), signal: "SIGKILL" };
  const killAt = `${step}:${1 + below(2 * passes)}`;
  if (step.startsWith("close:")) return { killAt: `${step}:1`, acknowledgements: 1 + below(50), signal: "SIGTERM" };
  return { killAt, acknowledgements: ACKNOWLEDGED_MAX, signal: "SIGKILL" };
}

describe("a server that is killed", () => {
  it(
    `${KILLS} times has all that it acknowledged, and nothing else`,
    async () => {
      const first = start("-");
      const { imap } = (await first.addresses) as Addresses;
      for (const user of [ANN, BEN]) await (await openSession(imap, user)).ok("CREATE Kept");
      first.signal("SIGKILL");
      await first.ended();
      for (let kill = 0; kill < KILLS; kill++) {
        const plan = planFor(kill);
        const server = start(plan.killAt);
        const addresses = await server.addresses;
        try {
          // It may end before anybody has asked anything.
          if (addresses !== undefined) {
            await verify(addresses);
            await workOn(server, addresses, plan);
          }
        } catch (error) {
          if (!GONE.test(String(error))) throw new Error(`kill ${kill} at ${plan.killAt}`, { cause: error });
        }
        expect([plan.killAt, await server.ended()]).toEqual([plan.killAt, "SIGKILL"]);
        if (kill % CHECK_EVERY === 0) expect([plan.killAt, await findings()]).toEqual([plan.killAt, []]);
      }
      const last = start("-");
      await verify((await last.addresses) as Addresses);
      last.signal("SIGTERM");
      expect(await last.ended()).toBe("0");
      expect(ledger.acknowledged).toBeGreaterThan(KILLS);
    },
    120_000 + 20_000 * KILLS,
  );
});
