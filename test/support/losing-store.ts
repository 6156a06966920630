// A store that has nothing of a message but its flags, as a damaged index may leave it.
import type { MailStore, Uid, UidSet } from "@pushmail/mailstore";

export function losing(lost: Uid): (store: MailStore) => Partial<MailStore> {
  return (store) => ({
    async open(at) {
      const handle = await store.open(at);
      const without = <Row extends { readonly uid: Uid }>(read: (uids: UidSet) => AsyncIterable<readonly Row[]>) =>
        async function* (uids: UidSet): AsyncGenerator<readonly Row[]> {
          for await (const batch of read.call(handle, uids)) yield batch.filter(({ uid }) => uid !== lost);
        };
      return Object.assign(handle, { details: without(handle.details), metadata: without(handle.metadata) });
    },
  });
}
