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
