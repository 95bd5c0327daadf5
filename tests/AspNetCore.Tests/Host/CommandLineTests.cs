using System.Diagnostics;
using System.Net;
using System.Text;
using Hypervisor.Sdk.ReferenceHost;

namespace Hypervisor.Sdk.AspNetCore.Tests.Host;

/// <summary>The program, run as a program.</summary>
public sealed class CommandLineTests
{
    [Theory]
    [InlineData("'--bogus' is neither", "--bogus")]
    [InlineData("needs a value", "--state")]
    [InlineData("--allow-remote", "--urls", "http://0.0.0.0:8080")]
    [InlineData("http://ADDRESS:PORT", "--urls", "https://127.0.0.1:8443")]
    [InlineData("does not name an IP address", "--urls", "http://example.org")]
    [InlineData("--guest", "--demo")]
    [InlineData("'stop' is neither", "--yes", "stop")]
    public void Words_that_make_no_sense_are_refused_with_the_reason(string reason, params string[] words)
    {
        Assert.False(HostOptions.TryParse(words, out _, out string? problem));
        Assert.Contains(reason, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Loopback_is_the_default_and_remote_is_asked_for()
    {
        Assert.True(HostOptions.TryParse([], out var options, out _));
        Assert.Equal("127.0.0.1:0", options.Listen.ToString());
        Assert.True(HostOptions.TryParse(["--urls", "http://[::]:8080", "--allow-remote"], out options, out _));
        Assert.Equal("[::]:8080", options.Listen.ToString());
    }

    [Theory]
    [InlineData(120, 2, "at most", "prepare")]
    [InlineData(90, 2, "at most", "prepare")]
    [InlineData(90, 0, "", "prepare", "--simulate")]
    public async Task A_state_directory_whose_sockets_would_have_too_long_paths_is_refused_in_a_sentence(int bytes, int exitCode, string said, params string[] words)
    {
        using var directory = new TempDirectory();
        string state = directory[new string('s', bytes - directory.Path.Length - 1)];
        var (_, error) = await RunAsync(exitCode, [.. words, "--state", state]);
        Assert.Contains(said.Length == 0 ? "" : $"has {bytes} bytes", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.Equal(exitCode == 0, Directory.Exists(state));
    }

    [Theory]
    [InlineData("no host has made it", "prepare")]
    [InlineData("no host has made it")]
    [InlineData("nothing in it was touched", "stop")]
    [InlineData("nothing in it was touched", "reset", "--yes")]
    public async Task A_directory_of_somebody_elses_is_left_as_it_is(string said, params string[] words)
    {
        using var directory = new TempDirectory();
        string foreign = Directory.CreateDirectory(directory["foreign"]).FullName;
        Directory.CreateDirectory(Path.Combine(foreign, "disks"));
        Directory.CreateDirectory(Path.Combine(foreign, "machines"));
        await File.WriteAllTextAsync(Path.Combine(foreign, "thesis.txt"), "years", TestContext.Current.CancellationToken);
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        File.SetUnixFileMode(foreign, Mode);
        Assert.Contains(said, (await RunAsync(1, [.. words, "--state", foreign])).Error, StringComparison.Ordinal);
        Assert.Equal(Mode, File.GetUnixFileMode(foreign));
        Assert.Equal(["disks", "machines", "thesis.txt"], Directory.EnumerateFileSystemEntries(foreign).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal("years", await File.ReadAllTextAsync(Path.Combine(foreign, "thesis.txt"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task An_empty_directory_is_taken_only_where_it_is_the_owners_alone()
    {
        using var directory = new TempDirectory();
        const UnixFileMode Open = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead;
        Directory.CreateDirectory(directory["open"]);
        File.SetUnixFileMode(directory["open"], Open);
        Assert.Contains("chmod 700", (await RunAsync(1, "prepare", "--state", directory["open"])).Error, StringComparison.Ordinal);
        Assert.Equal(Open, File.GetUnixFileMode(directory["open"]));
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory["open"]));
        await RunAsync(0, "prepare", "--state", directory.Path + "/own");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(directory["own"]));
    }

    [Fact]
    public async Task Resetting_deletes_what_hosts_keep_and_nothing_else()
    {
        using var directory = new TempDirectory();
        string state = directory["state"];
        using (StateDirectory.Open(state))
            Directory.CreateDirectory(Path.Combine(state, "simulation"));
        await File.WriteAllTextAsync(Path.Combine(state, "notes.txt"), "mine", TestContext.Current.CancellationToken);
        Assert.Contains("notes.txt", (await RunAsync(0, "reset", "--yes", "--state", state)).Output, StringComparison.Ordinal);
        Assert.Equal(["notes.txt"], Directory.EnumerateFileSystemEntries(state).Select(Path.GetFileName));
        await RunAsync(1, "reset", "--yes", "--state", state);
        Assert.True(File.Exists(Path.Combine(state, "notes.txt")));
    }

    [Fact]
    public void A_state_directory_of_an_earlier_version_is_known_by_what_is_in_it()
    {
        using var directory = new TempDirectory();
        foreach (string name in new[] { "machines", "disks" })
            Directory.CreateDirectory(directory[name]);
        Assert.False(StateDirectory.IsOurs(directory.Path));
        Assert.Throws<IOException>(() => StateDirectory.Open(directory.Path));
        File.WriteAllBytes(directory["operation-key"], new byte[32]);
        Assert.True(StateDirectory.IsOurs(directory.Path));
        using (StateDirectory.Open(directory.Path))
            Assert.Equal(new byte[32], File.ReadAllBytes(directory["operation-key"]));
        Directory.Delete(directory["disks"]);
        Assert.True(StateDirectory.IsOurs(directory.Path));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_host_is_found_given_a_token_and_stopped_by_its_state_directory()
    {
        using var directory = new TempDirectory();
        string state = directory["state"];
        var token = TestContext.Current.CancellationToken;
        Assert.Contains("No host serves", (await RunAsync(1, "token", "--state", state)).Error, StringComparison.Ordinal);

        using var serving = Start("--state", state);
        string announcement = (await serving.StandardOutput.ReadLineAsync(token))!;
        string address = HostFile.ReadAddress(Path.Combine(state, "host.json"))!;
        Assert.Contains(address, announcement, StringComparison.Ordinal);
        Assert.DoesNotContain((await File.ReadAllTextAsync(Path.Combine(state, "sign-in-token"), token)).Trim(), announcement, StringComparison.Ordinal);
        Assert.Contains(address, (await RunAsync(1, "--state", state)).Error, StringComparison.Ordinal);

        string issued = (await RunAsync(0, "token", "--state", state)).Output.Trim();
        using var http = new HttpClient { BaseAddress = new Uri(address) };
        using var body = new StringContent($$"""{"token":"{{issued}}"}""", Encoding.UTF8, "application/json");
        Assert.Equal(HttpStatusCode.NoContent, (await http.PostAsync("/session", body, token)).StatusCode);

        await RunAsync(1, "reset", "--state", state);
        await RunAsync(0, "reset", "--yes", "--state", state);
        await serving.WaitForExitAsync(token);
        Assert.Equal(0, serving.ExitCode);
        Assert.False(Directory.Exists(state));
    }

    private static Process Start(params string[] words)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.ArgumentList.Add(typeof(HostOptions).Assembly.Location);
        foreach (string word in words)
            start.ArgumentList.Add(word);
        return Process.Start(start)!;
    }

    private static async Task<(string Output, string Error)> RunAsync(int exitCode, params string[] words)
    {
        using var process = Start(words);
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == exitCode, $"{process.ExitCode}: {output} {await error}");
        return (output, await error);
    }
}
