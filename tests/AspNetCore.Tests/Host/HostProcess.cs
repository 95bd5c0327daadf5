using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Hypervisor.Sdk.ReferenceHost;

namespace Hypervisor.Sdk.AspNetCore.Tests.Host;

/// <summary>The reference host as a program of its own, which can be killed, and whoever is signed in to it.</summary>
internal sealed partial class HostProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _said = new();
    private readonly TaskCompletionSource<Uri> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string _csrf = "";

    private HostProcess(string state, string[] words)
    {
        _process = new Process { StartInfo = Command(["--state", state, .. words]), EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Take(line.Data);
        _process.ErrorDataReceived += (_, line) => Take(line.Data);
        _process.Exited += (_, _) => _address.TrySetException(new InvalidOperationException($"The host ended:\n{Said}"));
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int ProcessId => _process.Id;

    public HttpClient Http { get; } = new(new SocketsHttpHandler { CookieContainer = new CookieContainer(), UseProxy = false }) { Timeout = TimeSpan.FromSeconds(150) };

    /// <summary>What it has printed: its log too.</summary>
    public string Said
    {
        get
        {
            lock (_said)
                return _said.ToString();
        }
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<HostProcess> StartAsync(string state, params string[] words)
    {
        var host = new HostProcess(state, words);
        try
        {
            host.Http.BaseAddress = await host._address.Task.WaitAsync(Token);
            string token = (await File.ReadAllTextAsync(Path.Combine(state, "sign-in-token"), Token)).Trim();
            using var body = new StringContent($$"""{"token":"{{token}}"}""", Encoding.UTF8, "application/json");
            Assert.Equal(HttpStatusCode.NoContent, (await host.Http.PostAsync("/session", body, Token)).StatusCode);
            host._csrf = (string)JsonNode.Parse(await host.Http.GetStringAsync("/session", Token))!["csrf"]!;
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Deletes the machines, which outlive their host, and what the host keeps.</summary>
    public static async Task ResetAsync(string state)
    {
        using var reset = Process.Start(Command("reset", "--yes", "--state", state))!;
        var error = reset.StandardError.ReadToEndAsync(CancellationToken.None);
        await reset.StandardOutput.ReadToEndAsync(CancellationToken.None);
        await error;
        await reset.WaitForExitAsync(CancellationToken.None);
    }

    /// <summary>Sends a request that changes something; where <paramref name="waits"/> is true its answer is that of the work's end.</summary>
    public async Task<(HttpStatusCode Status, string Text)> ChangeAsync(HttpMethod method, string path, string? body = null, bool waits = false)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Add(RequestGuard.CsrfHeader, _csrf);
        if (waits)
            request.Headers.Add("Prefer", "wait=120");
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await Http.SendAsync(request, Token);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Token));
    }

    public async Task<JsonNode> GetAsync(string path) => JsonNode.Parse(await Http.GetStringAsync(path, Token))!;

    /// <summary>Follows the jobs, those that are there first, until what is known of them is what is waited for.</summary>
    /// <returns>The jobs by id, each as it was told last, and the text that told it.</returns>
    public async Task<(Dictionary<string, JsonNode> Jobs, string Text)> WatchJobsUntilAsync(Func<IReadOnlyCollection<JsonNode>, bool> isEnough)
    {
        var jobs = new Dictionary<string, JsonNode>(StringComparer.Ordinal);
        var text = new StringBuilder();
        using var reader = new StreamReader(await Http.GetStreamAsync("/jobs/changes?after=0", Token));
        while (!isEnough(jobs.Values))
        {
            string line = await reader.ReadLineAsync(Token) ?? throw new InvalidOperationException($"The host tells no more:\n{Said}");
            text.AppendLine(line);
            if (line.StartsWith("data: ", StringComparison.Ordinal) && JsonNode.Parse(line["data: ".Length..]) is { } job)
                jobs[(string)job["id"]!] = job;
        }

        return (jobs, text.ToString());
    }

    /// <summary>Ends it as the lack of memory would, and returns when it has ended.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        // Until all that it printed is read.
        await _process.WaitForExitAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
        Http.Dispose();
    }

    private static ProcessStartInfo Command(params string[] words) =>
        new("dotnet", [typeof(HostOptions).Assembly.Location, .. words]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };

    private void Take(string? line)
    {
        if (line is null)
            return;
        lock (_said)
            _said.AppendLine(line);
        if (AddressPattern().Match(line) is { Success: true } match)
            _address.TrySetResult(new Uri(match.Groups[1].Value));
    }

    [GeneratedRegex(@"Listening at (http://127\.0\.0\.1:\d+)")]
    private static partial Regex AddressPattern();
}
