// SPDX-License-Identifier: Apache-2.0
#include "serve/daemon.h"

#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "access/audit/audit_journal.h"
#include "access/policy/accounts.h"
#include "base/supervisor.h"
#include "base/trusted_path.h"
#include "hold/dead_mount.h"
#include "hold/mount_point.h"
#include "keys/hash.h"
#include "keys/identity_file.h"
#include "log/sqlite_log.h"
#include "serve/process_limits.h"
#include "serve/watchdog.h"

namespace coffer {
namespace {

// systemd's credential where there is one, the sealed one first, else the configured file. One that is there
// and cannot be read is refused later: nothing stands in for it.
std::filesystem::path identity_path(const Config& config) {
    const char* folder = std::getenv("CREDENTIALS_DIRECTORY");  // NOLINT(concurrency-mt-unsafe): one thread
    for (const char* name : {"host.identity", "host.identity.plain"}) {
        if (!folder) break;
        std::filesystem::path file = std::filesystem::path(folder) / name;
        std::error_code ignored;
        const auto type = std::filesystem::symlink_status(file, ignored).type();
        if (type != std::filesystem::file_type::not_found) return file;
    }
    return config.host_identity;
}

Result<Identity> load_host_identity(const std::filesystem::path& file) {
    COFFER_CHECK(check_folders_above(file));
    return load_identity(file, [&]() -> Result<SecretBuffer> {
        return fail(Code::not_allowed, "the host identity ", file.string(),
                    " is under a passphrase, and nobody is there to type it; make one without");
    });
}

// A name that this host does not have stands for nobody.
template <class Id>
std::optional<Id> known(const Result<Id>& id) {
    return id ? std::optional(*id) : std::nullopt;
}

AuditSinks audit_sinks(const Config& config) {
    return {config.audit_file, config.audit_journal ? kJournalSocket : ""};
}

// An ordinary user's runtime folder is empty after each login. Root's mount points are made by whoever
// installs. What is there, or cannot be made, check_mount_point judges.
void make_own_mount_point(const std::filesystem::path& path) {
    if (geteuid() != 0) (void)::mkdir(path.c_str(), 0700);
}

Result<std::filesystem::path> chosen_mount(const DaemonOptions& options, const Config& config) {
    std::filesystem::path mount = options.mount.value_or(config.mount);
    if (mount.empty())
        return fail(Code::invalid, "no mount point: give --mount DIR, or `mount` in ", config.file.string());
    return mount;
}

std::string_view name_of(AttestMethod method) {
    return method == AttestMethod::pidfd ? "pidfd" : "procfs";
}

}  // namespace

Daemon::~Daemon() = default;

Result<std::filesystem::path> Daemon::mount_of(const DaemonOptions& options) {
    if (options.mount) return *options.mount;
    COFFER_TRY(const Config config, load_config(options.config_file));
    return chosen_mount(options, config);
}

Result<std::unique_ptr<Daemon>> Daemon::prepare(DaemonOptions given) {
    std::unique_ptr<Daemon> daemon(new Daemon);
    daemon->options_ = std::move(given);
    const DaemonOptions& options = daemon->options_;
    COFFER_CHECK(forbid_dumps());
    COFFER_TRY(daemon->config_, load_config(options.config_file));
    const Config& config = daemon->config_;
    COFFER_CHECK(raise_limits(config.locked_bytes_needed()));
    if (!options.holder) COFFER_CHECK(daemon->prepare_mount_point());
    COFFER_CHECK(confine_before_mount(daemon->way_));
    COFFER_TRY(daemon->host_, load_host_identity(identity_path(config)));
    COFFER_CHECK(daemon->open_store());
    COFFER_CHECK(daemon->check_host());
    COFFER_TRY(daemon->attestor_, Attestor::create(options.attest));
    COFFER_TRY(daemon->audit_, AuditLog::open(audit_sinks(config)));
    daemon->build();
    COFFER_CHECK(daemon->policy_watch_->load());
    COFFER_CHECK(daemon->store_watch_->load());
    COFFER_CHECK(daemon->load_templates());
    COFFER_CHECK(daemon->open_credential_door());
    return daemon;
}

Result<void> Daemon::prepare_mount_point() {
    COFFER_TRY(const auto mount, chosen_mount(options_, config_));
    make_own_mount_point(mount);
    // What is mounted and serves, check_mount_point refuses in its own words.
    if (take_off_dead_mount(mount).value_or(false))
        spdlog::warn("took off {}, which a daemon that was killed has left mounted", mount.string());
    COFFER_TRY(mount_, check_mount_point(mount));
    way_ = geteuid() == 0 ? MountWay::by_root : MountWay::by_fusermount;
    if (way_ == MountWay::by_fusermount) {
        COFFER_TRY(auto unmounter, Unmounter::start(mount_));
        unmounter_.emplace(std::move(unmounter));
    }
    return {};
}

Result<void> Daemon::open_store() {
    COFFER_CHECK(SqliteLog::check_closed_to_others(config_.store));
    COFFER_CHECK(check_folders_above(config_.state / "daemon" / kViewFile));
    if (!config_.audit_file.empty()) COFFER_CHECK(check_folders_above(config_.audit_file));
    COFFER_TRY(auto log, SqliteLog::open_read_only(config_.store));
    StoreOptions options;
    options.state_dir = config_.state / "daemon";
    options.pin = config_.pin;
    options.watermark_identity = &*host_;
    COFFER_TRY(store_, VerifiedStore::open(std::move(log), std::move(options)));
    return {};
}

// A credential that decrypted to something else is refused here.
Result<void> Daemon::check_host() {
    const Head& head = store_->view().head();
    if (head.revision == 0) {
        const auto& alarm = store_->alarm();
        return fail(alarm ? alarm->error.code : Code::unavailable, "the store ", config_.store.string(),
                    " has no commit that verifies", alarm ? ": " : "", alarm ? alarm->error.message : "",
                    "; compare `owner` and `store_id` in ", config_.file.string(), " with the store");
    }
    COFFER_TRY(const Principal* host, store_->view().roster().find_host(host_->id()));
    host_name_ = host->name;
    return {};
}

void Daemon::build() {
    nodes_ = std::make_unique<NodeIds>(catalogue_, host_->watermark_key());
    unsealer_ = std::make_unique<Unsealer>(keys_, config_.pin.store, config_.cached_versions);
    handles_ = std::make_unique<Handles>(
        HandleLimits{config_.max_open, config_.max_open_per_uid, config_.large_bytes_per_uid}, 0);
    gate_ = std::make_unique<Gate>(
        *attestor_, *audit_, status_,
        Gate::Settings{config_.deny, config_.audit_required, known(find_group(config_.admin_group)),
                       known(find_user(std::string(kWatchUser))), geteuid(),
                       std::max<std::size_t>(config_.thread_count() - 1, 1)});
    status_files_ = std::make_unique<StatusFiles>(
        StatusFiles::Parts{catalogue_, *unsealer_, *handles_, keys_, status_, config_.pin.store.hex(),
                           host_name_, options_.version, std::string(name_of(attestor_->method()))});
    past_versions_ =
        std::make_unique<PastVersions>(config_.state / "daemon" / kViewFile, config_.pin, catalogue_);
    rendered_files_ = std::make_unique<RenderedFiles>(catalogue_);
    operations_ = std::make_unique<Operations>(
        Operations::Parts{catalogue_, *nodes_, *unsealer_, *handles_, *gate_, status_, *audit_,
                          *status_files_, *past_versions_, *rendered_files_, config_.fast_names});
    policy_watch_ =
        std::make_unique<PolicyWatch>(PolicyWatch::Parts{config_.policy, *gate_, status_, *audit_});
    store_watch_ = std::make_unique<StoreWatch>(
        StoreWatch::Parts{*store_, *host_, catalogue_, keys_, *unsealer_, *nodes_, invalidator_, status_,
                          *audit_, *rendered_files_, config_.fast_names});
    context_.emplace(FuseContext{*operations_, invalidator_});
}

// A source below the mount would be read by the daemon from itself, and wait for ever.
Result<void> Daemon::load_templates() {
    for (const TemplateFile& one : config_.templates) {
        const auto below = one.source.lexically_relative(mount_.empty() ? config_.mount : mount_);
        if (!below.empty() && *below.begin() != "..")
            return fail(Code::invalid, one.place, "source: ", one.source.string(),
                        " is within the mount, and a template is no secret; put it beside the configuration");
    }
    COFFER_CHECK(rendered_files_->load(config_.templates));
    for (const Place& place : rendered_files_->places()) (void)nodes_->hand_out(place);
    return {};
}

Result<Worker> Daemon::make_worker() const {
    Worker worker;
    COFFER_TRY(worker.scratch, Scratch::allocate());
    COFFER_TRY(worker.payloads, SqliteLog::open_read_only(config_.store));
    return worker;
}

Result<std::vector<Worker>> Daemon::make_workers() const {
    std::vector<Worker> workers(config_.thread_count());
    for (Worker& worker : workers) {
        COFFER_TRY(worker, make_worker());
    }
    return workers;
}

Result<std::unique_ptr<Session>> Daemon::connect() {
    if (!options_.holder) return Session::mount(mount_, *context_, unmounter_ ? &*unmounter_ : nullptr);
    COFFER_TRY(held_, HeldMount::take(*options_.holder));
    mount_ = held_->path();
    if (!config_.mount.empty() && config_.mount != mount_)
        return fail(Code::conflict, "coffer-mount has mounted on ", mount_.string(), ", and ",
                    config_.file.string(), " says `mount = \"", config_.mount.string(),
                    "\"`; make the two agree");
    COFFER_TRY(auto taken, Session::take_over(*held_, *context_, config_.fast_names));
    handles_->be_generation(held_->record().turn);
    nodes_->expect_earlier();
    if (config_.fast_names && !taken.names_forgotten) forget_removed_names();
    return std::move(taken.session);
}

// Before Linux 6.16. What was removed while no daemon served may still be kept under its name; nobody has
// written down what was, so all that was ever removed is named.
void Daemon::forget_removed_names() {
    for (Place place : catalogue_.directories()) {
        if (!place.holds_keys()) continue;
        const std::uint64_t directory = nodes_->number(place);
        for (NameId key : catalogue_.keys_ever(place)) {
            place.key = key;
            if (!catalogue_.resolve(place))
                invalidator_.order({directory, std::string(catalogue_.text(key))});
            place.key = kNoName;
        }
    }
}

// What the service manager's watchdog is told of: the kernel hears us, no thread is stuck, and a caller can
// be attested and the catalogue asked, with all the locks that this takes.
bool Daemon::is_well(Session& session) {
    (void)gate_->admit({gettid(), geteuid(), getegid()});
    (void)catalogue_.size();
    return session.progresses();
}

Result<void> Daemon::open_credential_door() {
    if (!options_.credentials) return {};
    COFFER_TRY(auto worker, make_worker());
    COFFER_TRY(credential_door_,
               CredentialDoor::open(std::move(options_.credentials),
                                    {catalogue_, *unsealer_, *gate_, status_, *audit_}, std::move(worker)));
    return {};
}

Result<void> Daemon::run() {
    sigset_t wanted;
    sigemptyset(&wanted);
    for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&wanted, signal);
    Descriptor signals(signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
    Descriptor ended(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!signals || !ended) return fail(Code::failed, "signalfd or eventfd: ", errno_text());

    COFFER_TRY(auto workers, make_workers());
    COFFER_TRY(auto session, connect());
    auto started = confine_for_serving(way_);
    if (started) started = session->start(std::move(workers), ended.get());
    if (!started) {
        (void)session->unmount();
        return started;
    }
    invalidator_.start([&](const Invalidation& one) { session->send(one); });
    policy_watch_->start();
    store_watch_->start();
    if (credential_door_) credential_door_->start();
    const auto size = catalogue_.size();
    (void)audit_->note("start", concat("cofferd ", options_.version, " at revision ", catalogue_.revision()));
    spdlog::info("serving {} secrets at {} (revision {}, host {}, callers by {})", size.live, mount_.string(),
                 catalogue_.revision(), host_name_, name_of(attestor_->method()));

    if (auto told = notify_supervisor("READY=1"); !told) spdlog::error("{}", told.error().message);
    Watchdog watchdog([&] { return is_well(*session); });

    auto result = wait_for_end(signals.get(), ended.get());

    (void)notify_supervisor("STOPPING=1");
    watchdog.stop();
    if (credential_door_) credential_door_->stop();
    // Off the tree first, while the workers still answer; then what they have taken is finished.
    if (auto unmounted = session->unmount(); !unmounted) spdlog::error("{}", unmounted.error().message);
    invalidator_.stop();
    session->stop();
    if (held_) held_->say_drained();
    policy_watch_->stop();
    store_watch_->stop();
    if (auto flushed = audit_->flush(true); !flushed) spdlog::error("audit: {}", flushed.error().message);
    (void)audit_->note("stop", "cofferd stops");
    spdlog::info("stopped");
    return result;
}

Result<void> Daemon::wait_for_end(int signals, int ended) {
    for (;;) {
        std::array<pollfd, 3> wanted{
            {{signals, POLLIN, 0}, {ended, POLLIN, 0}, {held_ ? held_->connection() : -1, POLLIN, 0}}};
        if (poll(wanted.data(), wanted.size(), -1) < 0 && errno != EINTR)
            return fail(Code::failed, "poll: ", errno_text());
        signalfd_siginfo info{};
        while (::read(signals, &info, sizeof info) == sizeof info) {
            if (info.ssi_signo != SIGHUP) return {};
            spdlog::info("SIGHUP: reading the policy again");
            policy_watch_->reload();
            if (auto reopened = audit_->reopen(); !reopened)
                spdlog::error("audit: {}", reopened.error().message);
        }
        if (wanted[1].revents) {
            if (held_)
                return fail(Code::unavailable, "the mount is gone, and coffer-mount should mount anew");
            spdlog::info("the mount is gone");
            return {};
        }
        if (wanted[2].revents)
            return fail(Code::unavailable, "coffer-mount has ended, and the mount with it");
    }
}

}  // namespace coffer
