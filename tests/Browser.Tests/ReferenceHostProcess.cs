using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Hypervisor.Sdk.Browser.Tests;

/// <summary>The reference host as its users run it: its built program on a state directory of its own.</summary>
internal sealed partial class ReferenceHostProcess : IServedHost
{
    private static readonly string ProgramPath = Repository.PathOf("artifacts", "bin", "ReferenceHost", "debug", "ReferenceHost");

    private readonly TempDirectory _state = new();
    private readonly Process _process;
    private readonly List<string> _said = [];
    private readonly TaskCompletionSource<Uri> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ReferenceHostProcess(string[] words)
    {
        _process = new Process { StartInfo = Command(["--page", Repository.PathOf("samples", "ReferenceHost", "wwwroot"), "--yes", "--lxd", "none", "--incus", "none", .. words]), EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Take(line.Data);
        _process.ErrorDataReceived += (_, line) => Take(line.Data);
        _process.Exited += (_, _) => _address.TrySetException(new InvalidOperationException($"The reference host ended with {_process.ExitCode}:\n{Said}"));
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>What the host has printed.</summary>
    public string Said
    {
        get
        {
            lock (_said)
                return string.Join('\n', _said);
        }
    }

    /// <summary>Where it listens.</summary>
    public Uri Root { get; private set; } = null!;

    /// <summary>The same with the one-time token: what ./run prints.</summary>
    public Uri SignIn { get; private set; } = null!;

    public static async Task<ReferenceHostProcess> StartAsync(CancellationToken cancellationToken, params string[] words)
    {
        var host = new ReferenceHostProcess(words);
        try
        {
            host.Root = await host._address.Task.WaitAsync(TimeSpan.FromSeconds(30), cancellationToken);
            string token = await File.ReadAllTextAsync(host._state["sign-in-token"], cancellationToken);
            host.SignIn = new Uri(host.Root, "#token=" + token.Trim());
            return host;
        }
        catch (TimeoutException)
        {
            string said = host.Said;
            await host.DisposeAsync();
            throw new TimeoutException($"The reference host printed no address within 30 seconds:\n{said}");
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Deletes the machines, which would outlive the host, and stops it.</summary>
    public async ValueTask DisposeAsync()
    {
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var reset = Process.Start(Command("reset", "--yes"))!;
        try
        {
            Task<string> errors = reset.StandardError.ReadToEndAsync(bound.Token);
            await reset.StandardOutput.ReadToEndAsync(bound.Token);
            await errors;
            await reset.WaitForExitAsync(bound.Token);
        }
        catch (OperationCanceledException)
        {
            reset.Kill();
        }

        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
        _state.Dispose();
    }

    private ProcessStartInfo Command(params string[] words)
    {
        var start = new ProcessStartInfo(ProgramPath) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetDirectoryName(ProgramPath) };
        foreach (string word in words[0] == "reset" ? [.. words, "--state", _state.Path] : (string[])["--state", _state.Path, .. words])
            start.ArgumentList.Add(word);
        return start;
    }

    private void Take(string? line)
    {
        if (line is null)
            return;
        lock (_said)
            _said.Add(line);
        if (AddressPattern().Match(line) is { Success: true } match)
            _address.TrySetResult(new Uri(match.Value));
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+")]
    private static partial Regex AddressPattern();
}
