using System.Globalization;
using System.Text;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Faults;
using Hypervisor.Sdk.Simulation.Migration;
using Hypervisor.Sdk.Simulation.Time;
using Hypervisor.Sdk.Simulation.Works;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Traces;

/// <summary>Makes the calls of a trace again. Runs within the loop.</summary>
internal sealed class Replayer(SimulatedDatacenter datacenter, IReadOnlyList<TraceLine> lines)
{
    /// <summary>How often it lets others go first at one moment, before it takes the trace to have gone another way.</summary>
    private const int MaxYields = 100_000;

    private readonly World _world = datacenter.World;
    private readonly SimulationClient _client = new(datacenter.World);

    public async Task RunAsync()
    {
        RefuseOthers();
        _world.Sessions.Keep();
        _world.Calls.Keep();
        for (int i = 0; i < lines.Count; i++)
        {
            var line = lines[i];
            if (line.Kind is not ("call" or "cancel-call" or "session" or "plan" or "plan-calls" or "end-calls" or "cancel"))
                continue;
            await new LoopDelay(_world.Loop, line.At - _world.Clock.Elapsed);
            // What came before it then comes before it now.
            for (int yields = 0; _world.Trace.Count < i && yields < MaxYields && _world.Loop.HasDue; yields++)
                await new LoopYield(_world.Loop);
            try
            {
                Begin(line);
            }
            catch (Exception error) when (error is FormatException or IndexOutOfRangeException or OverflowException or ArgumentException or KeyNotFoundException || error is HypervisorException { Code: var code } && code == ErrorCode.InvalidArgument)
            {
                throw new FormatException($"Line {i + 2} of the trace cannot be replayed: {error.Message.TrimEnd('.')}, in '{line.Details[..Math.Min(line.Details.Length, 100)]}'.", error);
            }
        }

        // The trace may go on after its last call.
        if (lines.Count > 0 && lines[^1].At > _world.Clock.Elapsed)
            await new LoopDelay(_world.Loop, lines[^1].At - _world.Clock.Elapsed);
        for (int yields = 0; _world.Trace.Count < lines.Count && yields < MaxYields && _world.Loop.HasDue; yields++)
            await new LoopYield(_world.Loop);
    }

    /// <summary>Refuses what goes back in time, and what another data centre had a part in that is not there now.</summary>
    private void RefuseOthers()
    {
        for (int i = 0; i < lines.Count; i++)
        {
            var line = lines[i];
            if (i > 0 && line.At < lines[i - 1].At)
                throw new FormatException($"Line {i + 2} of the trace cannot be replayed: it is of {Seconds(line)}, and the line before it of {Seconds(lines[i - 1])}.");
            if (line.Kind == MigrationService.Comes)
                throw new FormatException($"Line {i + 2} of the trace cannot be replayed: '{line.Subject}' comes from the data centre '{line.Details}', which brings what is not in this trace.");
            if (_world.Options.FindBackend is null && line.Kind == "call" && ReplayedCalls.TryReadMove(line.Details, out var there) && there != _world.Name && HasBegun(line.Subject, i))
                throw new FormatException($"Line {i + 2} of the trace cannot be replayed: '{line.Subject}' moves to the data centre '{there}', which is not there. Give one as it was then ({nameof(SimulationOptions)}.{nameof(SimulationOptions.FindBackend)}).");
        }
    }

    /// <summary>Whether a move was begun after its call; one that was refused is refused again, wherever it was to go.</summary>
    private bool HasBegun(string subject, int call) => lines.Skip(call + 1).Any(line => line.Kind == "begin" && line.Subject == subject && line.Details.StartsWith(WorkKinds.Migrate + " ", StringComparison.Ordinal));

    private void Begin(TraceLine line)
    {
        switch (line.Kind)
        {
            case "call":
                Watch(Call(line));
                break;
            case "session":
                Watch(Session(line));
                break;
            case "plan":
                FaultText.Read(line.Subject, line.Details).Plan(datacenter.Faults, _world);
                break;
            case "plan-calls":
                var fault = CallFault.Parse(_world, line.Details);
                _world.Calls.AddFault(fault);
                fault.Announce();
                break;
            case "end-calls":
                if (!_world.Calls.EndFault(Number(line.Details)))
                    throw new FormatException($"there is no fault of calls {line.Details} before it");
                break;
            case "cancel-call":
                long number = Number(line.Details);
                if (!_world.Calls.HasMade(number))
                    throw new FormatException($"there is no call {number} before it");
                _world.Calls.Cancel(number);
                break;
            default:
                Cancel(line.Details.StartsWith("op=", StringComparison.Ordinal) ? Number(line.Details["op=".Length..]) : throw new FormatException($"'{line.Details}' names no operation: op="));
                break;
        }
    }

    private Task Call(TraceLine line)
    {
        int space = line.Details.IndexOf(' ', StringComparison.Ordinal);
        string action = space < 0 ? line.Details : line.Details[..space];
        string rest = space < 0 ? "" : line.Details[(space + 1)..];
        var (request, arguments) = CallText.Read(rest);
        return ReplayedCalls.TryBegin(datacenter.Backend, action, line.Subject, request, arguments, out var call)
            ? call
            // A question that is never refused: what it changes is nothing but the time that it takes.
            : _world.Calls.EnterAsync(_client, action, line.Subject, rest.Length == 0 ? null : () => rest, static () => Task.FromResult(true));
    }

    private Task Session(TraceLine line)
    {
        string[] words = line.Details.Split(' ', 3);
        var session = _world.Sessions.Find(long.Parse(words[0], NumberStyles.None, CultureInfo.InvariantCulture));
        // What was refused when it was to be opened this time has nothing said to it.
        return session?.AgainAsync(words[1], words.Length == 3 ? words[2] : "") ?? Task.CompletedTask;
    }

    private void Cancel(long number)
    {
        var work = _world.Works.Find(number) ?? throw new FormatException($"there is no operation {number}");
        _world.Works.Cancel(work);
    }

    private static long Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : throw new FormatException($"'{text}' is no number");

    private static string Seconds(TraceLine line) => string.Create(CultureInfo.InvariantCulture, $"{line.At.TotalSeconds:0.0000000} s");

    /// <summary>What fails is in the trace, as it was then.</summary>
    private static void Watch(Task call) => _ = call.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}
