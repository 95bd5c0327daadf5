using System.Text;
using Hypervisor.Sdk.Simulation.Guests;

namespace Hypervisor.Sdk.Simulation.Tests.Guests;

/// <summary>A guest without a machine: its clock stands still but for what it sleeps.</summary>
internal sealed class TestGuest : IGuestSystem
{
    private static readonly DateTimeOffset s_start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public TestGuest(long capacityBytes = 64 << 20) => Files = new GuestFileTree(GuestImageTree.Make(s_start), capacityBytes, () => Now);

    public GuestFileTree Files { get; }

    public string HostName { get; set; } = "web1";

    public string Machine => "x86_64";

    public int Cpus => 2;

    public long MemoryBytes => 512L << 20;

    public long MemoryUsedBytes => 128L << 20;

    public double LoadAverage => 0.25;

    public DateTimeOffset Now { get; private set; } = s_start;

    public DateTimeOffset BootedAt => s_start.AddHours(-25);

    public IReadOnlyList<(string Name, string? Mac, string? Address)> Networks => [("eth0", "52:54:00:00:00:01", "10.0.0.2/24")];

    public Dictionary<string, SimulatedProgram> Own { get; } = [];

    public IReadOnlyDictionary<string, SimulatedProgram> Programs => Own;

    public bool? PoweredOff { get; private set; }

    /// <summary>What sleeps, until the test lets it go on; null when it goes on at once.</summary>
    public TaskCompletionSource? Sleep { get; set; }

    public async ValueTask DelayAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        if (Sleep is { } sleep)
            await sleep.Task.WaitAsync(cancellationToken);
        Now += time;
    }

    public void PowerOff(bool restart) => PoweredOff = !restart;

    public async Task<(int Code, string Output, string Error)> RunAsync(string script, string input = "", params string[] positional)
    {
        var (output, error) = (new MemoryStream(), new MemoryStream());
        var streams = new GuestStreams(GuestStreams.Of(Encoding.UTF8.GetBytes(input)), bytes => output.Write(bytes.Span), bytes => error.Write(bytes.Span));
        int code = await new GuestShell(this).RunScriptAsync(script, positional, streams, TestContext.Current.CancellationToken);
        return (code, Encoding.UTF8.GetString(output.ToArray()), Encoding.UTF8.GetString(error.ToArray()));
    }
}
