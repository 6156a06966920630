# Evolution's IMAP engine (Camel) without its screen, by commands on stdin: one line each, answered with one line.
import sys

import gi

gi.require_version("Camel", "1.2")
from gi.repository import Camel, GLib

USER, HOST, PORT, PASSWORD, STATE, DEADLINE_MS = sys.argv[1:]


class Session(Camel.Session):
    """What Evolution itself asks its user for."""

    def do_authenticate_sync(self, service, mechanism, cancellable):
        return service.authenticate_sync(mechanism, cancellable) == Camel.AuthenticationResult.ACCEPTED

    def do_trust_prompt(self, service, certificate, errors):
        return Camel.CertTrust.FULLY


def connect(session):
    session.set_online(True)
    store = session.add_service("far", "imapx", Camel.ProviderType.STORE)
    settings = store.ref_settings()
    for name, value in {
        "host": HOST,
        "port": int(PORT),
        "user": USER,
        "security-method": Camel.NetworkSecurityMethod.SSL_ON_ALTERNATE_PORT,
        "auth-mechanism": "PLAIN",
        "use-idle": True,
        "use-qresync": True,
        "filter-inbox": False,
        "filter-junk": False,
    }.items():
        settings.set_property(name, value)
    store.set_password(PASSWORD)
    store.set_online_sync(True)
    store.connect_sync()
    return store


def infos(folder):
    return {folder.get_message_info(uid).get_subject(): folder.get_message_info(uid) for uid in folder.get_uids()}


def said(folder):
    words = []
    for subject, info in infos(folder).items():
        flags = info.get_flags()
        read = " read" if flags & Camel.MessageFlags.SEEN else ""
        flagged = " flagged" if flags & Camel.MessageFlags.FLAGGED else ""
        words.append(subject + read + flagged)
    return ", ".join(sorted(words))


def has(folder, wanted):
    """Waits for it, or for the deadline, in Camel's main loop; answers with what is there."""
    late = []
    GLib.timeout_add(int(DEADLINE_MS), lambda: late.append(True))
    while said(folder) != wanted and not late:
        GLib.MainContext.default().iteration(True)
    return said(folder)


def main():
    Camel.init(STATE, True)
    Camel.Provider.init()
    # The store does not keep its session alive.
    session = Session(user_data_dir=STATE + "/data", user_cache_dir=STATE + "/cache")
    store = connect(session)
    store.get_folder_info_sync(None, Camel.StoreGetFolderInfoFlags.RECURSIVE)
    inbox = store.get_folder_sync("INBOX", 0)
    inbox.refresh_info_sync()
    print("open", flush=True)
    for line in sys.stdin:
        verb, _, rest = line.rstrip("\n").partition(" ")
        answer = ""
        if verb == "has":
            answer = has(inbox, rest)
        elif verb == "read":
            infos(inbox)[rest].set_flags(Camel.MessageFlags.SEEN, Camel.MessageFlags.SEEN)
            inbox.synchronize_sync(False)
        elif verb == "body":
            stream = Camel.StreamMem.new()
            inbox.get_message_sync(infos(inbox)[rest].get_uid()).get_content().decode_to_stream_sync(stream)
            answer = stream.get_byte_array().decode().strip()
        elif verb == "archive":
            archive = store.get_folder_sync("Archive", 0)
            inbox.transfer_messages_to_sync([infos(inbox)[rest].get_uid()], archive, True)
            inbox.synchronize_sync(True)
        elif verb == "quit":
            inbox.synchronize_sync(False)
            store.disconnect_sync(True)
            return
        print(verb, answer, flush=True)


main()
