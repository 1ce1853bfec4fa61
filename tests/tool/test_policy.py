# SPDX-License-Identifier: Apache-2.0
"""policy check, explain and learn: the real program on real policies, real processes and audit logs."""
import hashlib
import json
import os
import pwd
import subprocess
import unittest

from store_case import DONE, FAILED, NOT_ALLOWED, NOT_FOUND, TAMPERED, USAGE, StoreCase

PATH = "acme/checkout/production/DB_PASSWORD"
RULE = """[[rule]]
name = "reads"
secrets = "acme/checkout/production/*"
{}
"""


class PolicyCase(StoreCase):
    def setUp(self):
        super().setUp()
        units = self.folder / "units"
        units.mkdir()
        (units / "checkout.service").touch()
        self.environment["SYSTEMD_UNIT_PATH"] = str(units)
        self.me = pwd.getpwuid(os.getuid()).pw_name

    def policy(self, text, name="rules.toml"):
        """Writes a file of the policy folder."""
        file = self.dir / "policy.d" / name
        file.write_text(text)
        file.chmod(0o644)
        return file

    def rule(self, lines, name="rules.toml"):
        return self.policy(RULE.format(lines), name)


class Check(PolicyCase):
    def checks(self, *arguments):
        return [(one["check"], one["line"], one["weight"]) for one in self.json("policy", "check", *arguments)["findings"]]

    def test_a_good_policy_has_no_findings(self):
        self.do("set", PATH, stdin=b"x")
        self.rule(f'unit = "checkout.service"\nuser = "{self.me}"')
        report = self.json("policy", "check", "--strict")
        self.assertEqual((report["ok"], report["rules"], report["findings"], report["not_checked"]), (True, 1, [], []))
        self.assertIn("1 file, 1 rule, 0 warnings, 0 notes", self.do("policy", "check"))

    def test_an_error_names_its_place_and_is_malformed_input(self):
        file = self.rule('unit = "checkout"')
        self.refused(USAGE, "policy", "check", says=f"{file}:4:8: ")
        self.refused(USAGE, "policy", "check", file, says=f"{file}:4:8: ")
        self.rule('user = "nobody-has-this-name"')
        self.refused(USAGE, "policy", "check", says="nobody-has-this-name")
        self.refused(NOT_FOUND, "policy", "check", self.folder / "none.toml")

    def test_warnings_name_their_place_and_count_when_strict(self):
        file = self.rule(f'unit = "other.service"\nuser = "{self.me}"')
        text = self.do("policy", "check")
        self.assertIn(f'{file}:4:8: warning: there is no unit "other.service"', text)
        self.assertIn(f"{file}:3:11: warning: ", text)
        self.assertEqual(self.checks(), [("no-secret", 3, "warning"), ("unknown-unit", 4, "warning")])
        done = self.run_tool("policy", "check", "--strict", "--json")
        self.assertEqual(done.returncode, FAILED)
        self.assertEqual(json.loads(done.stdout)["warnings"], 2)
        self.assertIn(b"coffer: 2 warnings", done.stderr)

    def test_notes_do_not_count_when_strict(self):
        self.do("set", PATH, stdin=b"x")
        self.rule(f'unit = "checkout.service"\nuser = "{self.me}"\ninherit = true')
        self.assertEqual(self.checks("--strict"), [("inherit", 6, "note")])

    def test_what_could_not_be_checked_is_said(self):
        file = self.rule(f'unit = "other.service"\nuser = "{self.me}"')
        self.environment["SYSTEMD_UNIT_PATH"] = str(self.folder / "none")
        (self.dir / "store.db").unlink()
        report = self.json("policy", "check", file)
        self.assertEqual([one["what"] for one in report["not_checked"]], ["units", "secrets"])
        self.assertEqual(report["findings"], [])

    def test_files_of_a_folder_are_checked_together_and_without_a_configuration(self):
        folder = self.folder / "work"
        folder.mkdir()
        for name in ("a.toml", "b.toml"):
            (folder / name).write_text(RULE.format("uid = 1"))
        config = self.folder / "none.toml"
        self.refused(USAGE, "policy", "check", folder, config=config, says='two rules named "reads"')
        report = self.json("policy", "check", folder / "a.toml", config=config)
        self.assertEqual([one["what"] for one in report["not_checked"]], ["secrets"])

    def test_the_program_is_looked_at_on_this_host(self):
        self.do("set", PATH, stdin=b"x")
        script = self.folder / "script"
        script.write_text("#!/bin/sh\n")
        script.chmod(0o777)
        link = self.folder / "link"
        link.symlink_to(script)
        hash_ = hashlib.sha256(script.read_bytes()).hexdigest()
        lines = f'user = "{self.me}"\nexe = "{{}}"\nsha256 = "{{}}"'
        self.rule(lines.format(link.resolve(), hash_))
        self.assertEqual({one[0] for one in self.checks()} - {"program-link"}, {"script", "program-writable"})
        self.rule(lines.format(link, "0" * 64))
        self.assertEqual({one[0] for one in self.checks()},
                         {"program-link", "script", "program-writable", "hash-differs"})

    def test_a_file_that_the_daemon_would_refuse_is_found(self):
        self.do("set", PATH, stdin=b"x")
        file = self.rule(f'unit = "checkout.service"\nuser = "{self.me}"')
        file.chmod(0o666)
        self.assertEqual(self.checks(), [("owner", 1, "warning")])


class Explain(PolicyCase):
    def explain(self, *arguments):
        done = self.run_tool("policy", "explain", *arguments, "--json")
        report = json.loads(done.stdout)
        self.assertEqual(done.returncode, DONE if report["decision"] == "allow" else NOT_ALLOWED)
        return report

    def test_facts_are_allowed_or_refused(self):
        file = self.rule('unit = "checkout.service"\nuid = 1234')
        allowed = self.explain("--as", "uid=1234,unit=checkout.service", PATH)
        self.assertEqual((allowed["decision"], allowed["rule"]["name"], allowed["rule"]["file"], allowed["rule"]["line"]),
                         ("allow", "reads", str(file), 1))
        refused = self.explain("--as", "uid=1235,unit=checkout.service", PATH)
        self.assertEqual(refused["reason"], "no rule allows it")
        self.assertEqual(refused["nearest"][0]["failed"],
                         [{"key": "user", "wanted": "1234", "found": "1235", "known": True}])
        text = self.run_tool("policy", "explain", "--as", "uid=1235,unit=checkout.service", PATH)
        self.assertEqual(text.returncode, NOT_ALLOWED)
        self.assertIn(f'nearest rule: "reads" ({file}:1:1)'.encode(), text.stdout)
        self.assertIn(b"coffer: refused: no rule allows it", text.stderr)

    def test_each_fact_selects(self):
        facts = {"uid": "1234", "gid": "77", "unit": "user@1234.service", "user_unit": "b.service", "slice": "c.slice",
                 "cgroup": "/d/e", "exe": "/usr/bin/app", "sha256": "ab" * 32}
        lines = [f"{key} = {value}" if key in ("uid", "gid") else f'{key} = "{value}"' for key, value in facts.items()]
        self.rule("\n".join(lines))
        whole = ",".join(f"{key}={value}" for key, value in facts.items())
        self.assertEqual(self.explain("--as", whole, PATH)["decision"], "allow")
        self.assertEqual(self.explain("--as", whole + ",traced", PATH)["reason"], "the process is being traced")
        for key, value in facts.items():
            other = "1" + value if key in ("uid", "gid") else "cd" * 32 if key == "sha256" else value + "x"
            refused = self.explain("--as", whole.replace(f"{key}={value}", f"{key}={other}", 1)
                                   if key != "unit" else whole.replace(",unit=", ",unit=x"), PATH)
            failed = [one["key"] for one in refused["nearest"][0]["failed"]]
            self.assertEqual(failed, [{"uid": "user", "gid": "group"}.get(key, key)])

    def test_a_user_has_the_groups_of_its_account_unless_groups_are_given(self):
        user = next(one for one in pwd.getpwall() if one.pw_uid != one.pw_gid)
        self.rule("gid = %d" % user.pw_gid)
        for facts, decision in ((f"user={user.pw_name}", "allow"), (f"uid={user.pw_uid}", "allow"),
                                (f"user={user.pw_name},gid=77", "deny")):
            self.assertEqual(self.explain("--as", facts, PATH)["decision"], decision)
        self.rule("gid = 78")
        self.assertEqual(self.explain("--as", "uid=1234,gid=77,gid=78", PATH)["decision"], "allow")

    def test_a_cgroup_says_unit_user_unit_and_slice(self):
        self.rule('unit = "user@7.service"\nuser_unit = "b.service"\nslice = "s.slice"')
        cgroup = "uid=7,cgroup=/s.slice/user@7.service/b.service"
        self.assertEqual(self.explain("--as", cgroup, PATH)["decision"], "allow")
        self.assertEqual(self.explain("--as", cgroup + ",slice=t.slice", PATH)["decision"], "deny")

    def test_facts_that_are_none_are_refused(self):
        self.rule("uid = 1234")
        for facts in ("", "unit=a.service", "uid=x", "uid=-1", "uid=4294967295", "user=nobody-has-this-name", "colour=red",
                      "uid=1,uid=2", "user=root,uid=0", "uid=1,exe=", "uid=1,exe", "uid=1,sha256=zz"):
            with self.subTest(facts=facts):
                done = self.run_tool("policy", "explain", "--as", facts, PATH)
                self.assertIn(done.returncode, (USAGE, NOT_FOUND))
                self.assertEqual(done.stdout, b"")

    def test_a_living_process_is_attested(self):
        self.rule("uid = %d" % os.getuid())
        program = os.path.realpath("/bin/sleep")
        with subprocess.Popen(["/bin/sleep", "60"]) as sleeper:
            try:
                report = self.explain("--pid", sleeper.pid, PATH)
                self.assertEqual(report["decision"], "allow")
                self.assertEqual(report["caller"]["pid"], sleeper.pid)
                self.assertEqual(report["caller"]["exe"], program)
                with open(program, "rb") as file:
                    hash_ = hashlib.sha256(file.read()).hexdigest()
                self.assertNotIn("sha256", report["caller"])
                self.rule('uid = %d\nexe = "%s"\nsha256 = "%s"' % (os.getuid(), program, hash_))
                report = self.explain("--pid", sleeper.pid, PATH)
                self.assertEqual((report["decision"], report["caller"]["sha256"]), ("allow", hash_))
                self.rule('uid = %d\nexe = "/usr/bin/other"' % os.getuid())
                self.assertEqual(self.explain("--pid", sleeper.pid, PATH)["nearest"][0]["failed"][0]["found"], program)
            finally:
                sleeper.kill()
        self.refused(NOT_FOUND, "policy", "explain", "--pid", sleeper.pid, PATH)
        self.refused(USAGE, "policy", "explain", "--pid", "x", PATH)
        self.refused(USAGE, "policy", "explain", "--pid", "99999999999", PATH)

    def test_the_suggested_rule_works_when_it_is_pasted(self):
        file = self.rule("uid = 1234")
        for facts in ("uid=1235,unit=checkout.service", "uid=1235,exe=/usr/bin/psql",
                      "uid=1235,unit=user@1235.service,user_unit=mail.service"):
            refused = self.explain("--as", facts, PATH)
            self.policy(refused["suggestion"], "pasted.toml")
            self.assertEqual(self.explain("--as", facts, PATH)["rule"]["file"], str(file.parent / "pasted.toml"))
            self.assertEqual(self.explain("--as", facts, PATH + "2")["decision"], "deny")
            self.assertEqual(self.explain("--as", facts.replace("1235", "1236", 1), PATH)["decision"], "deny")
            (file.parent / "pasted.toml").unlink()

    def test_a_denial_has_no_suggestion(self):
        self.policy(RULE.format("uid = 1234") + '[[rule]]\nname = "no"\neffect = "deny"\nsecrets = "**/DB_PASSWORD"\n')
        refused = self.explain("--as", "uid=1234", PATH)
        self.assertEqual((refused["reason"], refused["rule"]["name"], refused["rule"]["line"]), ("a rule denies it", "no", 5))
        self.assertNotIn("suggestion", refused)

    def test_a_path_below_the_mount_is_the_secrets(self):
        config = self.dir / "coffer.toml"
        text = config.read_text()
        lines = [line for line in text.splitlines() if not line.lstrip("# ").startswith("mount =")]
        config.write_text("\n".join(lines + ['mount = "/run/some/where"']) + "\n")
        self.rule("uid = 1234")
        report = self.explain("--as", "uid=1234", "/run/some//where/" + PATH)
        self.assertEqual((report["secret"], report["decision"]), (PATH, "allow"))
        self.refused(USAGE, "policy", "explain", "--as", "uid=1234", "/elsewhere/" + PATH, says="not below the mount")
        for path in ("/run/some/where", "/run/some/where/acme", "acme/*/x/K", "acme/checkout"):
            self.refused(USAGE, "policy", "explain", "--as", "uid=1234", path)

    def test_the_command_line_has_to_make_sense(self):
        self.rule("uid = 1234")
        for words in ((PATH,), ("--as", "uid=1"), ("--as", "uid=1", "--pid", "1", PATH), ("--audit", "x", PATH),
                      ("--as", "uid=1", "--seq", "1", PATH), ("--audit", "x", "--pid", "1")):
            self.refused(USAGE, "policy", "explain", *words)


class AuditCase(PolicyCase):
    """With an audit log of the format of docs/audit.md, chained as the daemon chains it."""

    def setUp(self):
        super().setUp()
        self.log = self.folder / "audit.jsonl"
        self.previous = bytes(32)
        self.sequence = 0

    def line(self, **members):
        self.sequence += 1
        record = {"seq": self.sequence, "time": f"2026-01-31T12:00:{self.sequence:02}.000Z", **members}
        body = json.dumps(record, separators=(",", ":"))[:-1]
        self.previous = hashlib.blake2b(b"coffer/audit/1" + self.previous + body.encode(), digest_size=32).digest()
        with open(self.log, "a", encoding="ascii") as file:
            file.write(f'{body},"hash":"{self.previous.hex()}"}}\n')
        return self.sequence

    def decision(self, path=PATH, allow=False, reason="no rule allows it", uid=1234, **members):
        reason = {} if allow else {"reason": reason}
        return self.line(kind="decision", decision="allow" if allow else "deny", operation="open", path=path, **reason,
                         tid=7, tgid=7, uid=uid, gid=uid, **members)


class ExplainAudit(AuditCase):
    def test_each_refusal_is_explained_and_agrees(self):
        self.policy(RULE.format('uid = 1234\nunit = "checkout.service"\nslice = "s.slice"') +
                    '[[rule]]\nname = "no"\neffect = "deny"\nsecrets = "**/ROOT"\ngid = 77\n')
        first = self.decision(unit="checkout.service")
        self.decision(unit="checkout.service")
        self.line(kind="repeat", of=first, count=3)
        self.decision(allow=True, rule="reads", unit="checkout.service")
        self.decision(path="acme/checkout/production/ROOT", reason="a rule denies it", rule="no")
        self.decision(reason="expired", unit="checkout.service")
        self.decision(reason="the process is being traced", unit="checkout.service")
        found = self.json("policy", "explain", "--audit", self.log)
        self.assertEqual([one["records"] for one in found], [[1, 2], [5], [6], [7]])
        self.assertEqual(found[0]["times"], 5)
        self.assertTrue(all(one["agrees"] and one["decision"] == "deny" for one in found), found)
        self.assertEqual([one["reason"] for one in found], [one["recorded"]["reason"] for one in found])
        self.assertIn({"key": "slice", "wanted": "s.slice", "found": "not known", "known": False},
                      found[0]["nearest"][0]["failed"])
        self.assertIn("not in the records: supplementary groups", self.do("policy", "explain", "--audit", self.log))

    def test_one_record_is_chosen_by_its_number(self):
        self.rule("uid = 1234")
        self.decision(uid=1235)
        allowed = self.decision(allow=True, rule="reads")
        self.refused_with_output("--seq", "1")
        self.assertIn('allowed by "reads"', self.do("policy", "explain", "--audit", self.log, "--seq", allowed))
        self.refused(NOT_FOUND, "policy", "explain", "--audit", self.log, "--seq", "9")

    def refused_with_output(self, *words):
        done = self.run_tool("policy", "explain", "--audit", self.log, *words)
        self.assertEqual(done.returncode, NOT_ALLOWED, done.stderr)
        self.assertIn(b"refused: no rule allows it", done.stdout)

    def test_a_policy_that_was_changed_since_is_said_to_be(self):
        self.rule("uid = 1234")
        self.decision()
        found = self.json("policy", "explain", "--audit", self.log)
        self.assertEqual((found[0]["agrees"], found[0]["decision"]), (False, "allow"))

    def test_a_log_that_was_changed_is_explained_with_a_warning(self):
        self.rule("uid = 1")
        self.decision()
        self.log.write_text(self.log.read_text().replace("DB_PASSWORD", "DC_PASSWORD"))
        done = self.run_tool("policy", "explain", "--audit", self.log)
        self.assertEqual(done.returncode, DONE)
        self.assertIn(b"the chain of", done.stderr)
        self.log.write_text("junk\n")
        self.assertEqual(self.run_tool("policy", "explain", "--audit", self.log).returncode, USAGE)


class Learn(AuditCase):
    def learn(self, *arguments):
        """What was learnt, once it has been seen to be a policy."""
        report = self.json("policy", "learn", self.log, *arguments)
        file = self.folder / "learnt.toml"
        file.write_text(report["toml"])
        self.json("policy", "check", file)
        return report, file

    def decides(self, file, facts, path):
        done = self.run_tool("policy", "explain", "--policy", file, "--as", facts, path)
        self.assertIn(done.returncode, (DONE, NOT_ALLOWED), done.stderr)
        return done.returncode == DONE

    def test_what_was_refused_is_allowed_by_what_was_learnt_and_nothing_more(self):
        self.decision(unit="checkout.service")
        self.decision(path="acme/checkout/production/API_KEY", unit="checkout.service")
        self.decision(exe="/usr/bin/psql", unit="session-1.scope")
        self.decision(path="acme/x/y/K", allow=True, rule="r", unit="checkout.service")
        report, file = self.learn()
        self.assertEqual(len(report["rules"]), 2)
        self.assertTrue(self.decides(file, "uid=1234,unit=checkout.service", PATH))
        self.assertTrue(self.decides(file, "uid=1234,exe=/usr/bin/psql", PATH))
        self.assertFalse(self.decides(file, "uid=1235,unit=checkout.service", PATH))
        self.assertFalse(self.decides(file, "uid=1234,exe=/usr/bin/other", PATH))
        self.assertFalse(self.decides(file, "uid=1234,unit=checkout.service", "acme/checkout/production/OTHER"))
        self.assertFalse(self.decides(file, "uid=1234,unit=checkout.service", "acme/x/y/K"))
        text = self.do("policy", "learn", self.log)
        self.assertEqual(text, report["toml"])

    def test_allowed_reads_with_observed_and_stars_with_widen(self):
        self.decision(path="acme/x/y/K", allow=True, rule="r", unit="checkout.service")
        self.decision(path="acme/x/y/L", allow=True, rule="r", unit="checkout.service")
        self.assertEqual(self.learn()[0]["rules"], [])
        self.assertEqual(self.learn("--observed")[0]["rules"][0]["secrets"], ["acme/x/y/K", "acme/x/y/L"])
        self.assertEqual(self.learn("--observed", "--widen", "1")[0]["rules"][0]["secrets"], ["acme/x/y/*"])
        self.refused(USAGE, "policy", "learn", self.log, "--widen", "many")

    def test_what_a_policy_allows_already_is_left_out(self):
        self.rule('unit = "checkout.service"')
        self.decision(unit="checkout.service")
        self.decision(unit="other.service")
        report, _ = self.learn("--policy", self.dir / "policy.d")
        self.assertEqual((report["allowed_already"], len(report["rules"])), (1, 1))

    def test_what_no_rule_changes_is_listed(self):
        self.decision(reason="expired", unit="checkout.service")
        report, _ = self.learn()
        self.assertEqual((report["rules"], report["not_learnt"][0]["reason"]), ([], "expired"))
        self.assertIn("DB_PASSWORD: expired, 1 time", self.do("policy", "learn", self.log))

    def test_nothing_is_learnt_from_a_log_that_was_changed(self):
        self.decision()
        self.log.write_text(self.log.read_text().replace('"uid":1234', '"uid":1235'))
        self.refused(TAMPERED, "policy", "learn", self.log, says="chain")
        self.refused(NOT_FOUND, "policy", "learn", self.folder / "none")
        self.refused(USAGE, "policy", "learn")


if __name__ == "__main__":
    unittest.main()
