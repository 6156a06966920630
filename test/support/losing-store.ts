// A store that has nothing of a message but its flags, as a damaged index may leave it.
import type { MailStore, Uid } from "@pushmail/mailstore";

export function losing(lost: Uid): (store: MailStore) => Partial<MailStore> {
  return (store) => ({
    async open(at) {
      const handle = await store.open(at);
      const [details, metadata] = [handle.details.bind(handle), handle.metadata.bind(handle)];
      return Object.assign(handle, {
        details: (...asked: Parameters<typeof details>) => without(lost, details(...asked)),
        metadata: (...asked: Parameters<typeof metadata>) => without(lost, metadata(...asked)),
      });
    },
  });
}

async function* without<Row extends { readonly uid: Uid }>(
  lost: Uid,
  batches: AsyncIterable<readonly Row[]>,
): AsyncGenerator<readonly Row[]> {
  for await (const batch of batches) yield batch.filter(({ uid }) => uid !== lost);
}
