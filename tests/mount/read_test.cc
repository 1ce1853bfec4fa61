// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>

#include "support/mounted_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

Outcome list_path(const std::filesystem::path& path) {
    DIR* directory = opendir(path.c_str());
    if (!directory) return failed();
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = readdir(directory)) names.emplace_back(entry->d_name);
    const int error = errno;
    closedir(directory);
    if (error) return failed(error);
    std::sort(names.begin(), names.end());
    Outcome out;
    for (const auto& name : names) {
        if (name != "." && name != "..") out.text += name + ' ';
    }
    return out;
}

Outcome describe(const std::filesystem::path& path) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) return failed();
    return {0, concat(S_ISDIR(status.st_mode) ? "dir " : "file ", status.st_mode & 07777, ' ', status.st_uid,
                      ' ', status.st_gid, ' ', status.st_size, ' ', status.st_nlink)};
}

Outcome list_as(const Who& who, const std::filesystem::path& path) {
    return as(who, [&] { return list_path(path); });
}
Outcome describe_as(const Who& who, const std::filesystem::path& path) {
    return as(who, [&] { return describe(path); });
}

}  // namespace

TEST_CASE("an allowed process reads the value, another user finds nothing") {
    MountedStore mounted(allow(kAlice, "acme/checkout/production/*"));
    mounted.set("acme/checkout/production/DB_PASSWORD", "correct horse");
    mounted.start();
    const auto key = mounted.path("acme/checkout/production/DB_PASSWORD");
    CHECK(read_as(kAlice, key) == Outcome{0, "correct horse"});
    CHECK(read_as(kBob, key).error == ENOENT);
    CHECK(read_as(kRoot, key).error == ENOENT);
    CHECK(mounted.audit_lines({"\"open\"", "\"allow\"", "60001", "acme/checkout/production/DB_PASSWORD"}) ==
          1);
    CHECK(mounted.audit_lines({"\"lookup\"", "\"deny\"", "60002", "DB_PASSWORD"}) == 1);
    CHECK(mounted.audit().find("correct horse") == std::string::npos);
    mounted.stop();
}

TEST_CASE("with deny = refuse a forbidden secret gives EACCES and a missing one ENOENT") {
    MountedStore mounted(allow(kAlice, "acme/**"), [](Config& config) { config.deny = Denial::refuse; });
    mounted.set("acme/checkout/production/KEY", "x");
    mounted.start();
    CHECK(read_as(kBob, mounted.path("acme/checkout/production/KEY")).error == EACCES);
    CHECK(read_as(kAlice, mounted.path("acme/checkout/production/NONE")).error == ENOENT);
    mounted.stop();
}

TEST_CASE("each caller sees itself as the owner, mode 0400 and the exact size") {
    MountedStore mounted(allow(kAlice, "acme/**") + allow(kBob, "acme/**"));
    mounted.set("acme/checkout/production/KEY", "seven77");
    mounted.set("acme/checkout/production/EMPTY", "");
    mounted.start();
    const auto key = mounted.path("acme/checkout/production/KEY");
    for (const Who& who : {kAlice, kBob}) {
        CHECK(describe_as(who, key).text == concat("file ", 0400, ' ', who.uid, ' ', who.gid, " 7 1"));
        CHECK(describe_as(who, key.parent_path()).text ==
              concat("dir ", 0500, ' ', who.uid, ' ', who.gid, " 0 2"));
    }
    CHECK(describe_as(kCarol, key).error == ENOENT);
    CHECK(read_as(kAlice, mounted.path("acme/checkout/production/EMPTY")) == Outcome{});
    mounted.stop();
}

TEST_CASE("a rule can set mode, owner and group") {
    MountedStore mounted(allow(kAlice, "acme/**", "mode = \"0440\"\nowner = \"root\"\n"));
    mounted.set("acme/checkout/production/KEY", "x");
    mounted.start();
    CHECK(describe_as(kAlice, mounted.path("acme/checkout/production/KEY")).text ==
          concat("file ", 0440, " 0 60001 1 1"));
    mounted.stop();
}

TEST_CASE("a listing names what the caller may read and nothing else") {
    MountedStore mounted(allow(kAlice, "acme/checkout/production/DB_*") + allow(kBob, "acme/billing/**"));
    mounted.set("acme/checkout/production/DB_PASSWORD", "1");
    mounted.set("acme/checkout/production/API_KEY", "2");
    mounted.set("acme/checkout/*/DB_HOST", "3");
    mounted.set("acme/*/*/DB_PORT", "4");
    mounted.set("acme/billing/staging/TOKEN", "5");
    mounted.start();
    CHECK(list_as(kAlice, mounted.mount()).text == "acme ");
    CHECK(list_as(kAlice, mounted.path("acme")).text == "checkout ");
    CHECK(list_as(kAlice, mounted.path("acme/checkout")).text == "production ");
    CHECK(list_as(kAlice, mounted.path("acme/checkout/production")).text == "DB_HOST DB_PASSWORD DB_PORT ");
    CHECK(list_as(kBob, mounted.path("acme")).text == "billing ");
    CHECK(list_as(kBob, mounted.path("acme/billing/staging")).text == "DB_PORT TOKEN ");
    CHECK(list_as(kBob, mounted.path("acme/checkout/production")).error == ENOENT);
    CHECK(list_as(kCarol, mounted.mount()).text.empty());
    CHECK(list_as(kCarol, mounted.path("acme")).error == ENOENT);
    mounted.stop();
}

TEST_CASE("a large directory is listed whole, each name once") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    for (int i = 0; i < 600; ++i) mounted.set(concat("acme/checkout/production/KEY_", i), "x");
    for (int i = 0; i < 20; ++i) mounted.set(concat("acme/*/*/KEY_", i), "shadowed");
    mounted.set("acme/*/*/WIDE", "x");
    mounted.start();
    Outcome names = list_as(kAlice, mounted.path("acme/checkout/production"));
    CHECK(std::count(names.text.begin(), names.text.end(), ' ') == 601);
    CHECK(names.text.find("WIDE ") != std::string::npos);
    mounted.stop();
}

TEST_CASE("the most specific secret is shown, and removing it shows the wider one") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set("acme/*/*/KEY", "org");
    mounted.set("acme/*/production/KEY", "domain");
    mounted.set("acme/checkout/*/KEY", "project");
    mounted.set("acme/checkout/production/KEY", "exact");
    mounted.start();
    const auto key = mounted.path("acme/checkout/production/KEY");
    const std::pair<std::string_view, std::string_view> order[] = {
        {"acme/checkout/production/KEY", "exact"},
        {"acme/checkout/*/KEY", "project"},
        {"acme/*/production/KEY", "domain"},
        {"acme/*/*/KEY", "org"},
    };
    for (const auto& shown : order) {
        CHECK(soon([&] { return read_as(kAlice, key).text == shown.second; }));
        mounted.remove(shown.first);
    }
    CHECK(soon([&] { return read_as(kAlice, key).error == ENOENT; }));
    mounted.stop();
}

TEST_CASE("values of every length come back whole") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    const std::size_t sizes[] = {0, 1, 63, 64, 255, 1023, 1024, 16383, 16384, 16385, 100000, 1u << 20};
    for (std::size_t size : sizes) {
        std::string value(size, '\0');
        for (std::size_t i = 0; i < size; ++i) value[i] = static_cast<char>(i * 31 % 251);
        mounted.set(concat("acme/checkout/production/SIZE_", size), value);
    }
    mounted.start();
    for (std::size_t size : sizes) {
        std::string value(size, '\0');
        for (std::size_t i = 0; i < size; ++i) value[i] = static_cast<char>(i * 31 % 251);
        Outcome read = read_as(kAlice, mounted.path(concat("acme/checkout/production/SIZE_", size)));
        CHECK(read.error == 0);
        CHECK((read.text == value));
    }
    mounted.stop();
}

TEST_CASE("reads at any offset give the bytes that are there") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set("acme/checkout/production/KEY", "0123456789");
    mounted.start();
    const auto key = mounted.path("acme/checkout/production/KEY");
    auto part = [&](off_t offset, std::size_t size) {
        return as(kAlice, [&] {
            int fd = open(key.c_str(), O_RDONLY);
            std::string out(size, '?');
            ssize_t got = pread(fd, out.data(), size, offset);
            if (got < 0) return failed();
            out.resize(static_cast<std::size_t>(got));
            return Outcome{0, out};
        });
    };
    CHECK(part(3, 4).text == "3456");
    CHECK(part(8, 100).text == "89");
    CHECK(part(10, 1).text.empty());
    CHECK(part(1000, 10).text.empty());
    mounted.stop();
}

TEST_CASE("names that cannot be are not found") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set("acme/checkout/production/KEY", "x");
    mounted.start();
    for (std::string_view name : {"acme/checkout/production/NOT", "acme/checkout/production/KEY\n", "acme/x",
                                  "x", "acme/checkout/production/K\xff\xfe", "acme/checkout/staging/KEY",
                                  ".coffer", ".coffer/.coffer", "acme/.coffer"})
        CHECK(read_as(kAlice, mounted.path(name)).error == ENOENT);
    for (std::size_t size : {129u, 300u})
        CHECK(read_as(kAlice, mounted.path("acme/checkout/production/" + std::string(size, 'K'))).error ==
              ENAMETOOLONG);
    CHECK(read_as(kAlice, mounted.path("acme/checkout/production/KEY/x")).error == ENOTDIR);
    CHECK(read_as(kAlice, mounted.path("acme/checkout/production")).error == EISDIR);
    mounted.stop();
}

TEST_CASE("inode numbers stay the same when the daemon is started again") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set("acme/checkout/production/KEY", "x");
    auto inode = [&](std::string_view below) {
        return as(kAlice,
                  [&] {
                      struct stat status {};
                      if (stat(mounted.path(below).c_str(), &status) != 0) return failed();
                      return Outcome{0, concat(status.st_ino)};
                  })
            .text;
    };
    mounted.start();
    const std::string key = inode("acme/checkout/production/KEY"), folder = inode("acme/checkout");
    CHECK_FALSE(key.empty());
    CHECK(key != folder);
    mounted.stop();
    mounted.set("acme/checkout/production/ANOTHER", "x");
    mounted.start();
    CHECK(inode("acme/checkout/production/KEY") == key);
    CHECK(inode("acme/checkout") == folder);
    mounted.stop();
}
