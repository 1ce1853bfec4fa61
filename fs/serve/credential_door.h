// SPDX-License-Identifier: Apache-2.0
//
// CredentialDoor: the socket of LoadCredential=ID:/run/cofferd/credentials.sock. systemd connects as it
// starts a unit, reads to the end, and has the credential. docs/design.md, "Credentials of units".
//
// systemd takes a connection that ends for a whole credential, an empty one included, and starts the unit
// with it. So nothing ends early here: whoever is refused, for whatever reason, is sent zeros past the 1 MiB
// at which systemd fails the unit, and the connection stays until the peer has gone. A value is sent in one
// go where the socket takes it; a peer that leaves it lying is given zeros in place of the rest.
//
// One thread, which waits for nobody: connections are bounded in number, each is answered as it is accepted,
// and the rest of an answer is sent as its peer reads.
#pragma once

#include <chrono>
#include <list>
#include <optional>
#include <thread>

#include "access/audit/audit_journal.h"
#include "serve/credential_source.h"

namespace coffer {

class CredentialDoor {
  public:
    // `listener`: as socket activation passes it. Code::invalid when it is no listening unix stream socket.
    [[nodiscard]] static Result<std::unique_ptr<CredentialDoor>> open(Descriptor listener,
                                                                      const CredentialSource::Parts& parts,
                                                                      Worker worker);
    ~CredentialDoor() { stop(); }
    CredentialDoor(const CredentialDoor&) = delete;
    CredentialDoor& operator=(const CredentialDoor&) = delete;

    void start();
    // Gives answers that are under way a second to be read. What was not accepted yet stays in the socket's
    // queue for the next daemon.
    void stop();

  private:
    using Clock = std::chrono::steady_clock;
    struct Connection {
        Descriptor socket;
        uid_t uid = 0;
        std::shared_ptr<const LargeCopy> value;  // null: zeros
        std::size_t left = 0;                    // to send
        Clock::time_point until;                 // a value is given up then
    };
    using Connections = std::list<Connection>;  // the oldest first
    enum class Then : bool { keep, close };

    CredentialDoor(const CredentialSource::Parts& parts, Worker worker)
        : source_(parts), worker_(std::move(worker)) {}
    void run();
    // Serves what is ready; the listener too if `accepting`.
    void wait(bool accepting, Clock::time_point limit);
    void accept();
    [[nodiscard]] bool has_room();
    [[nodiscard]] Connections::iterator dispensable();
    void answer(Connection& connection);
    [[nodiscard]] static Then push(Connection& connection);
    [[nodiscard]] Clock::time_point give_up_unread();
    void tell(uid_t uid, const std::string& unit, const std::string& id, const std::string& reason);

    Descriptor listener_, stopped_;
    CredentialSource source_;
    Worker worker_;
    std::optional<AuditJournal> journal_;
    Connections connections_;
    std::thread thread_;
};

}  // namespace coffer
