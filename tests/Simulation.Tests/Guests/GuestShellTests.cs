using System.Diagnostics;
using System.Text;
using Hypervisor.Sdk.Simulation.Guests;

namespace Hypervisor.Sdk.Simulation.Tests.Guests;

public sealed class GuestShellTests
{
    /// <summary>Scripts that mean the same to every POSIX shell: the simulated one is compared with the one of this machine.</summary>
    public static TheoryData<string> Portable { get; } =
    [
        "echo a  b \"c  d\" 'e $HOME' \\$x",
        "x=5; y=\"$x$x\"; echo $y ${y} ${#y} ${z:-none} \"${z:-a b}\"",
        "echo $((1 + 2 * 3)) $(( (1+2)*3 )) $((7 % 4)) $((-7 / 2)) $((3 > 2)) $((1 == 2)) $((!0))",
        "x=4; echo $((x * x)) $(($x + 1))",
        "true && echo yes || echo no; false && echo yes || echo no; ! true; echo $?",
        "if [ 1 -lt 2 ]; then echo less; elif false; then echo never; else echo more; fi",
        "for i in 1 2 3; do if [ $i = 2 ]; then continue; fi; echo $i; done",
        "for i in 1 2 3; do for j in a b; do if [ $i$j = 2a ]; then break 2; fi; echo $i$j; done; done",
        "i=0; while [ $i -lt 3 ]; do i=$((i + 1)); echo $i; done; until [ $i -eq 0 ]; do i=$((i - 1)); done; echo $i",
        "printf '%s-%d\\n' a 1 b 2; printf '%5d|%-5s|%05d\\n' 42 ab 7; printf 'no newline'",
        "echo one two three | cut -d ' ' -f 2",
        "printf '3\\n1\\n2\\n10\\n' | sort -n | head -n 3 | tail -n 2",
        "printf 'b\\na\\nb\\nb\\n' | sort | uniq -c | sort -rn | tr -d ' '",
        "printf 'apple\\nBanana\\ncherry\\n' | grep -i 'AN'; printf 'a.c\\nabc\\n' | grep -F a.c; printf 'x1\\nx22\\n' | grep -E '^x[0-9]+$' | wc -l",
        "echo hello world | sed 's/o/0/g'; echo abc | sed -E 's/(a)(b)/\\2\\1/'; echo path | sed 's#p#/#'",
        "echo hello | tr a-y b-z",
        "(cd /; pwd; x=inner; exit 3); echo $? $x; pwd >/dev/null",
        "{ echo a; echo b; } | wc -l",
        "echo out; echo err >&2; { echo both; echo both >&2; } 2>&1 | cat",
        "x=$(echo one; echo two); echo \"$x\"; echo $x; echo `echo old`",
        "set_it() { :; }; echo never",
        "echo a;echo b # a comment\n# another\necho c",
        "read a b <<<nothing 2>/dev/null; echo x",
        "echo 'a b c' | { read x y; echo \"$y/$x\"; }",
        "for x in \"$@\"; do echo \"<$x>\"; done; echo $# $1 \"$*\"; shift; echo $1",
        "x='a   b'; for w in $x; do echo $w; done; for w in \"$x\"; do echo \"$w\"; done",
        "eval 'x=7; echo $x'; echo $x",
        "sh -c 'echo $0 $1' zero one; sh -c 'exit 9'; echo $?",
        "echo ~ | grep -c /; echo '~'",
        "test -z \"\" && echo empty; test a != b && echo differ; [ ! -e /nonexistent ] && echo absent",
        "basename /a/b.txt .txt; dirname /a/b.txt; seq 2 2 6",
        "nonexistent-program 2>/dev/null; echo $?",
        "X=1 sh -c 'echo $X'; echo \"[$X]\"; export Y=2; sh -c 'echo $Y'",
        "if ! false; then echo negated; fi",
        "printf '%s\\n' \"quote \\\" back \\\\ dollar \\$ keep \\n\"",
        "echo a\\\nb",
        "exit 300",
        "a=1 b=$((a+1)); echo $b",
        "case_like=x; [ \"$case_like\" = x ] && { echo grouped; }",
        "echo '' | wc -c; printf '' | wc -l; echo \"a\tb\" | wc -w",
    ];

    [Theory]
    [MemberData(nameof(Portable))]
    [Peer("dash")]
    public async Task What_every_shell_does_with_a_script_the_simulated_one_does_too(string script)
    {
        // What the simulated shell refuses by name is not compared: it has no functions and no here strings.
        if (script.Contains("() {", StringComparison.Ordinal) || script.Contains("<<", StringComparison.Ordinal))
        {
            await Assert.ThrowsAsync<ShellSyntaxException>(() => new TestGuest().RunAsync(script));
            return;
        }

        string[] positional = ["first", "second one", "third"];
        var start = new ProcessStartInfo(RealPeer.Program("dash"), ["-c", script, "sh", .. positional]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        start.Environment.Clear();
        start.Environment["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin";
        start.Environment["HOME"] = "/root";
        using var process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string expected = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        string complaints = await errors;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        var (code, output, error) = await new TestGuest().RunAsync(script, "", positional);
        Assert.Equal(expected, output);
        Assert.Equal(process.ExitCode, code);
        Assert.Equal(complaints.Length > 0, error.Length > 0);
    }

    [Theory]
    [InlineData("mkdir -p /srv/a/b && echo hi > /srv/a/b/f && cat /srv/a/b/f && ls /srv/a", "hi\nb\n")]
    [InlineData("cd /tmp; touch b a .c; ls; ls -A | wc -l; echo *; echo [ab]; echo x*", "a\nb\n3\na b\na b\nx*\n")]
    [InlineData("cd /tmp; echo 1 > f; echo 2 >> f; cp f g; mv g h; cat f h; rm f; ls", "1\n2\n1\n2\nh\n")]
    [InlineData("ln -s /etc/os-release /tmp/l; grep -c ID /tmp/l; readlink /tmp/l; [ -L /tmp/l ] && echo link", "2\n/etc/os-release\nlink\n")]
    [InlineData("cd /tmp; mkdir d; cp -r /etc d/etc; rm -r d/etc/passwd; ls d/etc; test -e /etc/passwd && echo kept", "os-release\nkept\n")]
    [InlineData("printf '#!/bin/sh\\necho \"ran $1\"\\n' > /tmp/s; /tmp/s x; chmod +x /tmp/s; /tmp/s x; sh /tmp/s y", "ran x\nran y\n")]
    [InlineData("dd if=/dev/zero of=/tmp/z bs=1M count=2 2>/dev/null; wc -c < /tmp/z; stat -c %s /tmp/z; du -k /tmp/z | cut -f 1", "2097152\n2097152\n2048\n")]
    [InlineData("find /etc -name 'os*'; find /etc -type d", "/etc/os-release\n/etc\n")]
    [InlineData("hostname; uname -m; nproc; whoami; id -u; date -u +%FT%T; free -m | grep -c Mem", "web1\nx86_64\n2\nroot\n0\n2026-03-01T12:00:00\n1\n")]
    [InlineData("sleep 90; date +%T", "12:01:30\n")]
    [InlineData("ip address | grep -c 10.0.0.2/24; df | grep -c vda; uptime | grep -o '1 days'", "1\n1\n1 days\n")]
    [InlineData("echo abc > /tmp/f; sed -i s/b/X/ /tmp/f; cat /tmp/f; sha256sum /tmp/f | cut -c 1-8 2>/dev/null; echo $?", "aXc\n1\n")]
    public async Task Files_and_the_machine_are_there(string script, string expected)
    {
        var (_, output, _) = await new TestGuest().RunAsync(script);
        Assert.Equal(expected, output);
    }

    [Theory]
    [InlineData("cat /nowhere", 1, "cat: /nowhere: No such file or directory\n")]
    [InlineData("ls /etc/passwd/x", 1, "ls: /etc/passwd/x: Not a directory\n")]
    [InlineData("rm /etc", 1, "rm: /etc: Is a directory\n")]
    [InlineData("rmdir /etc", 1, "rmdir: /etc: Directory not empty\n")]
    [InlineData("mkdir /etc", 1, "mkdir: /etc: File exists\n")]
    [InlineData("echo x > /nowhere/f", 1, "sh: can't create /nowhere/f: No such file or directory\n")]
    [InlineData("cat < /nowhere", 1, "sh: can't open /nowhere: No such file or directory\n")]
    [InlineData("ln -s /tmp/a /tmp/b; ln -s /tmp/b /tmp/a; cat /tmp/a", 1, "cat: /tmp/a: Too many levels of symbolic links\n")]
    [InlineData("/etc/passwd", 126, "sh: /etc/passwd: Permission denied\n")]
    [InlineData("echo $((1/0))", 2, "sh: divide by zero\n")]
    [InlineData("while true; do :; done", 137, "sh: Killed: more than 1000000 steps\n")]
    [InlineData("ls --color", 1, "ls: unrecognized option '--' (this simulated guest knows: -la1Ad)\n")]
    [InlineData("cp -r /etc /etc/inner", 1, "cp: /etc: Invalid argument\n")]
    public async Task What_does_not_work_is_said_as_a_system_says_it(string script, int expectedCode, string expected)
    {
        var (code, _, error) = await new TestGuest().RunAsync(script);
        Assert.Equal((expectedCode, expected), (code, error));
    }

    [Theory]
    [InlineData("echo 'open", true)]
    [InlineData("echo \"open", true)]
    [InlineData("echo $(open", true)]
    [InlineData("if true; then", true)]
    [InlineData("for i in 1 2; do echo", true)]
    [InlineData("true &&", true)]
    [InlineData("( echo", true)]
    [InlineData("echo )", false)]
    [InlineData("sleep 1 &", false)]
    [InlineData("fi", false)]
    [InlineData("; echo", false)]
    [InlineData("cat << END", false)]
    public async Task What_is_no_script_is_refused_and_what_only_lacks_its_end_says_so(string script, bool isIncomplete) =>
        Assert.Equal(isIncomplete, (await Assert.ThrowsAsync<ShellSyntaxException>(() => new TestGuest().RunAsync(script))).IsIncomplete);

    [Fact]
    public async Task Any_text_at_all_ends_as_a_result_or_a_syntax_error()
    {
        var random = new Random(7);
        string[] words = ["echo", "a", "$x", "${x:-", "}", "(", ")", "{", "$((", "))", "$(", "'", "\"", "\\", "|", "||", "&&", ";", "\n", ">", "<", "2>&1", "/tmp/f", "if", "then", "fi", "for", "in", "do", "done", "while", "[", "]", "*", "!", "exit", "break", "#", "é", "\0"];
        for (int i = 0; i < 4_000; i++)
        {
            string script = string.Join(random.Next(2) == 0 ? " " : "", Enumerable.Range(0, random.Next(1, 12)).Select(_ => words[random.Next(words.Length)]));
            try
            {
                await new TestGuest(1 << 20).RunAsync(script.Replace("while", "true", StringComparison.Ordinal));
            }
            catch (ShellSyntaxException)
            {
                // It said so.
            }
        }
    }

    [Fact]
    public async Task A_full_disk_is_full_and_what_was_written_before_stays()
    {
        var guest = new TestGuest(1 << 20);
        var (code, output, error) = await guest.RunAsync("echo kept > /srv/a; dd if=/dev/zero of=/srv/b bs=1M count=2; cat /srv/a; test -e /srv/b || echo none");
        Assert.Equal("kept\nnone\n", output);
        Assert.Contains("No space left on device", error, StringComparison.Ordinal);
        Assert.Equal(0, code);
    }

    [Fact]
    public async Task Going_back_to_a_kept_root_brings_the_files_back()
    {
        var guest = new TestGuest();
        await guest.RunAsync("echo before > /srv/f");
        var kept = guest.Files.Root;
        await guest.RunAsync("echo after > /srv/f; rm /etc/passwd");
        guest.Files.Restore(kept);
        Assert.Equal("before\n", (await guest.RunAsync("cat /srv/f; test -e /etc/passwd || echo lost")).Output);
    }

    [Fact]
    public async Task An_application_brings_programs_of_its_own()
    {
        var guest = new TestGuest();
        guest.Own["healthcheck"] = async (call, token) =>
        {
            string text = Encoding.UTF8.GetString(await call.ReadInputAsync(token));
            call.Print($"{call.HostName} {string.Join(',', call.Arguments)} {call.Environment["MODE"]} {text}");
            call.WriteFile("/var/lib/check/last", "ok"u8);
            await call.DelayAsync(TimeSpan.FromSeconds(3), token);
            return 4;
        };
        var (_, output, _) = await guest.RunAsync("export MODE=fast; printf in | healthcheck a b; echo $?; cat /var/lib/check/last; date +:%S");
        Assert.Equal("web1 a,b fast in\n4\nok:03\n", output);
    }

    [Fact]
    public async Task A_command_in_a_list_is_read_by_no_shell()
    {
        var guest = new TestGuest();
        var output = new MemoryStream();
        var streams = new GuestStreams(GuestStreams.NoInput, bytes => output.Write(bytes.Span), _ => { });
        await new GuestShell(guest).RunProgramAsync(["echo", "$HOME", "$(rm -r /etc)", ";", "*"], streams, TestContext.Current.CancellationToken);
        Assert.Equal("$HOME $(rm -r /etc) ; *\n", Encoding.UTF8.GetString(output.ToArray()));
        Assert.NotNull(guest.Files.Find("/etc"));
    }

    [Fact]
    public async Task Switching_off_from_within_reaches_the_machine()
    {
        var guest = new TestGuest();
        await guest.RunAsync("reboot");
        Assert.False(guest.PoweredOff);
        await guest.RunAsync("poweroff");
        Assert.True(guest.PoweredOff);
    }
}
