// The table of commands. Dispatch, the check of states and CAPABILITY are derived from it.
import type { Command } from "../command.ts";
import { deleteAcl, getAcl, listRights, myRights, setAcl } from "./acl.ts";
import { append } from "./append.ts";
import { authenticate } from "./authenticate.ts";
import { cancelUpdate } from "./cancel-update.ts";
import { capability } from "./capability.ts";
import { check } from "./check.ts";
import { close } from "./close.ts";
import { compress } from "./compress.ts";
import { copy } from "./copy.ts";
import { create } from "./create.ts";
import { deleteMailbox } from "./delete.ts";
import { enable } from "./enable.ts";
import { esearch } from "./esearch.ts";
import { expunge } from "./expunge.ts";
import { fetch } from "./fetch.ts";
import { getMetadata } from "./get-metadata.ts";
import { getQuota, getQuotaRoot } from "./get-quota.ts";
import { id } from "./id.ts";
import { idle } from "./idle.ts";
import { list } from "./list.ts";
import { login } from "./login.ts";
import { logout } from "./logout.ts";
import { lsub } from "./lsub.ts";
import { move } from "./move.ts";
import { namespace } from "./namespace.ts";
import { noop } from "./noop.ts";
import { notify } from "./notify.ts";
import { rename } from "./rename.ts";
import { replace } from "./replace.ts";
import { search } from "./search.ts";
import { examine, select } from "./select.ts";
import { setMetadata } from "./set-metadata.ts";
import { sort } from "./sort.ts";
import { starttls } from "./starttls.ts";
import { status } from "./status.ts";
import { store } from "./store.ts";
import { subscribe, unsubscribe } from "./subscribe.ts";
import { thread } from "./thread.ts";
import { uidbatches } from "./uidbatches.ts";
import { unauthenticate } from "./unauthenticate.ts";
import { unselect } from "./unselect.ts";

/** By name, without the UID prefix. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map(
  [
    append,
    authenticate,
    cancelUpdate,
    capability,
    check,
    close,
    compress,
    copy,
    create,
    deleteAcl,
    deleteMailbox,
    enable,
    esearch,
    examine,
    expunge,
    fetch,
    getMetadata,
    getAcl,
    getQuota,
    getQuotaRoot,
    id,
    idle,
    list,
    listRights,
    login,
    logout,
    lsub,
    move,
    myRights,
    namespace,
    noop,
    notify,
    rename,
    replace,
    search,
    select,
    setMetadata,
    setAcl,
    sort,
    starttls,
    status,
    store,
    subscribe,
    thread,
    uidbatches,
    unauthenticate,
    unselect,
    unsubscribe,
  ].map((row) => [row.name, row]),
);
