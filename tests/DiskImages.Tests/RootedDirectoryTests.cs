using System.Runtime.Versioning;
using System.Text;

namespace Hypervisor.Sdk.DiskImages.Tests;

[SupportedOSPlatform("linux")]
public sealed class RootedDirectoryTests : IDisposable
{
    private readonly TempDirectory _temp = new();

    public RootedDirectoryTests()
    {
        Directory.CreateDirectory(_temp["root/sub"]);
        File.WriteAllText(_temp["secret"], "secret");
        File.WriteAllText(_temp["root/file"], "file");
        File.WriteAllText(_temp["root/sub/deep"], "deep");
    }

    public static TheoryData<bool> BothWays => [true, false];

    [Theory]
    [MemberData(nameof(BothWays))]
    public void Files_beneath_the_directory_are_opened(bool hasOpenAt2)
    {
        using var root = Open(hasOpenAt2);

        Assert.Equal("file", Text(root, "file"));
        Assert.Equal("deep", Text(root, "sub/deep"));
        using var sub = root.OpenDirectory("sub");
        Assert.Equal("deep", Text(sub, "deep"));
    }

    [Theory]
    [MemberData(nameof(BothWays))]
    public void Nothing_leads_out_of_the_directory(bool hasOpenAt2)
    {
        File.CreateSymbolicLink(_temp["root/link"], _temp["secret"]);
        File.CreateSymbolicLink(_temp["root/inner"], "file");
        Directory.CreateSymbolicLink(_temp["root/up"], "..");
        Directory.CreateSymbolicLink(_temp["root/proc"], "/proc/self/root");
        using var root = Open(hasOpenAt2);

        string[] paths = ["../secret", "sub/../../secret", "sub/../file", _temp["secret"], "/etc/passwd", "link", "inner", "up/secret", "proc/etc/passwd", ".", "..", "sub//deep", "sub/", "./file"];
        foreach (string path in paths)
        {
            Assert.Equal(ErrorCode.Denied, Refused(() => root.OpenFile(path).Dispose(), path, ErrorCode.InvalidArgument));
            Assert.Equal(ErrorCode.Denied, Refused(() => root.CreateFile(path.EndsWith('/') ? path : path + "/new").Dispose(), path, ErrorCode.InvalidArgument));
            Assert.Equal(ErrorCode.Denied, Refused(() => root.AtomicWrite(path + "/new", "x"u8), path, ErrorCode.InvalidArgument));
        }

        Assert.Equal("secret", File.ReadAllText(_temp["secret"]));
        Assert.Equal(["file", "inner", "link", "proc", "sub", "up"], root.List().Order());
    }

    [Fact]
    public void A_link_of_proc_is_not_followed()
    {
        using var proc = RootedDirectory.Open("/proc/self");

        Assert.Equal(ErrorCode.Denied, Refused(() => proc.OpenFile("root/etc/passwd").Dispose(), "root/etc/passwd"));
        Assert.Equal(ErrorCode.Denied, Refused(() => proc.OpenDirectory("cwd").Dispose(), "cwd", ErrorCode.InvalidArgument));
    }

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(BothWays))]
    public async Task A_directory_that_is_exchanged_for_a_link_meanwhile_leads_nowhere(bool hasOpenAt2)
    {
        Directory.CreateDirectory(_temp["outside"]);
        File.WriteAllText(_temp["outside/deep"], "outside");
        Directory.CreateSymbolicLink(_temp["root/evil"], _temp["outside"]);
        using var root = Open(hasOpenAt2);
        using var attacker = RootedDirectory.Open(_temp["root"]);
        using var done = new CancellationTokenSource();
        int exchanges = 0;
        var exchanging = Task.Run(
            () =>
            {
                while (!done.IsCancellationRequested)
                {
                    attacker.Rename("sub", "kept");
                    attacker.Rename("evil", "sub");
                    attacker.Rename("sub", "evil");
                    attacker.Rename("kept", "sub");
                    Interlocked.Increment(ref exchanges);
                }
            },
            TestContext.Current.CancellationToken);

        int opened = 0;
        for (int i = 0; i < 20_000 || Volatile.Read(ref exchanges) < 50; i++)
        {
            try
            {
                using var file = root.OpenFile("sub/deep");
                byte[] content = new byte[16];
                Assert.Equal("deep", Encoding.UTF8.GetString(content, 0, RandomAccess.Read(file, content, 0)));
                opened++;
            }
            catch (HypervisorException error) when (error.Code == ErrorCode.Denied || error.Code == ErrorCode.NotFound || error.Code == ErrorCode.InvalidArgument)
            {
                // The attacker was in between.
            }
        }

        await done.CancelAsync();
        await exchanging;
        Assert.True(opened > 0);
    }

    [Fact]
    public void What_is_no_regular_file_is_refused_without_waiting()
    {
        using var pipe = System.Diagnostics.Process.Start("mkfifo", _temp["root/pipe"]);
        pipe.WaitForExit();
        using var root = Open(true);

        Assert.Equal(ErrorCode.Denied, Refused(() => root.OpenFile("pipe").Dispose(), "pipe"));
        Assert.Equal(ErrorCode.Denied, Refused(() => root.OpenFile("sub").Dispose(), "sub"));
    }

    [Fact]
    public void Making_and_renaming_refuse_a_name_that_is_taken()
    {
        using var root = Open(true);

        Assert.Equal(ErrorCode.AlreadyExists, Refused(() => root.CreateFile("file").Dispose(), "file"));
        root.CreateFile("new").Dispose();
        Assert.Equal(ErrorCode.AlreadyExists, Refused(() => root.Rename("new", "file"), "file"));
        root.Rename("new", "sub/new");
        Assert.Equal(ErrorCode.NotFound, Refused(() => root.Rename("new", "other"), "new"));
        root.Rename("sub/new", "file", replace: true);
        Assert.Equal("", Text(root, "file"));
    }

    [Fact]
    public void A_file_is_the_users_alone()
    {
        using var root = Open(true);

        root.CreateFile("new").Dispose();
        root.CreateDirectory("directory");
        root.AtomicWrite("state", "x"u8);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_temp["root/new"]));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_temp["root/state"]));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_temp["root/directory"]));
    }

    [Fact]
    public void A_crash_at_any_effect_of_a_write_leaves_the_old_content_or_the_new()
    {
        var counted = new CrashSeam();
        using (var root = RootedDirectory.Open(_temp["root"], counted))
            root.AtomicWrite("file", "counted"u8);
        Assert.Equal(4, counted.Effects.Count);

        for (int crash = 1; crash <= 2 * counted.Effects.Count; crash++)
        {
            File.WriteAllText(_temp["root/file"], "old");
            using var root = RootedDirectory.Open(_temp["root"], new CrashSeam { CrashAt = crash });
            Assert.Throws<CrashException>(() => root.AtomicWrite("file", "new"u8));

            using var again = Open(true);
            Assert.Equal(crash < 2 * counted.Effects.Count ? "old" : "new", Text(again, "file"));
            again.RemoveUnfinishedWrites();
            Assert.Equal(["file", "sub"], again.List().Order());
        }
    }

    [Fact]
    public void Removing_says_whether_there_was_something()
    {
        using var root = Open(true);

        Assert.True(root.Delete("sub/deep"));
        Assert.False(root.Delete("sub/deep"));
        Assert.False(root.Delete("nowhere/deep"));
        Assert.True(root.DeleteDirectory("sub"));
        Assert.Equal(["file"], root.List());
    }

    [Fact]
    public void A_lock_excludes_others_until_it_is_given_back()
    {
        using var root = Open(true);
        using var other = Open(true);

        using (root.TryLock("lock"))
        {
            Assert.Null(other.TryLock("lock"));
            Assert.Null(other.TryLock("lock", exclusive: false));
        }

        using var first = other.TryLock("lock", exclusive: false);
        using var second = root.TryLock("lock", exclusive: false);
        Assert.NotNull(first);
        Assert.NotNull(second);
        Assert.Null(root.TryLock("lock"));
    }

    [Fact]
    public void The_space_and_the_facts_are_those_of_the_file_system()
    {
        using var root = Open(true);
        using (var file = root.CreateFile("sparse"))
        {
            root.SetLength(file, 10 << 20, "sparse");
            root.Write(file, new byte[4096], 0, "sparse");
            root.FlushFile(file, "sparse");
        }

        var facts = root.Find("sparse")!;
        Assert.True(facts.IsRegularFile);
        Assert.Equal(10 << 20, facts.Length);
        Assert.InRange(facts.AllocatedBytes, 1, 64 << 10);
        Assert.Null(root.Find("nothing"));
        Assert.True(root.Find("sub")!.IsDirectory);
        var space = root.GetSpace();
        var drive = new DriveInfo(_temp.Path);
        Assert.Equal(drive.TotalSize, space.Capacity.Bytes);
        Assert.True(space.Available <= space.Free && space.Free < space.Capacity);
    }

    public void Dispose() => _temp.Dispose();

    private static string Text(RootedDirectory root, string path) => Encoding.UTF8.GetString(root.Read(path, 100)!);

    private static ErrorCode Refused(Action action, string path, ErrorCode? sameAsDenied = null)
    {
        var error = Assert.Throws<HypervisorException>(action);
        Assert.Equal(RequestOutcome.Rejected, error.Outcome);
        Assert.False(error.Message.Contains('\n'), path);
        // A link in the place of a directory is "not a directory" to the kernel.
        return error.Code == ErrorCode.InvalidArgument && sameAsDenied == error.Code ? ErrorCode.Denied : error.Code;
    }

    private RootedDirectory Open(bool hasOpenAt2) => RootedDirectory.Open(_temp["root"], null, hasOpenAt2);
}
