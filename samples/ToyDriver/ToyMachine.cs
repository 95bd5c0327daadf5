using System.Diagnostics;
using System.Globalization;
using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Samples.ToyDriver;

/// <summary>A machine whose guest is a child process: <c>cat</c>, whose power button is the end of its input, or <c>sleep</c>, which does not listen.</summary>
internal sealed class ToyMachine(InstanceId id, VirtualMachineSpec spec, Sizing.Explicit size, EventHub events)
{
    private readonly Lock _lock = new();
    private readonly Incarnation _incarnation = Incarnation.Parse(Guid.NewGuid().ToString("D"));
    private bool _isStopping;
    private int _revision = 1;
    private string? _description = spec.Description;
    private Dictionary<string, string> _labels = new(spec.Labels);
    private PowerState _state = PowerState.Stopped;
    private string? _reason;
    private DateTimeOffset? _startedAt;

    public InstanceId Id => id;

    public string Name { get; private set; } = spec.Name.ToString();

    public Process? Process { get; private set; }

    public Instance View() => new()
    {
        Id = id, Incarnation = _incarnation, Name = Name, Kind = InstanceKind.VirtualMachine, State = _state, StateReason = _reason, Cpus = size.Cpus, Memory = size.Memory,
        Revision = Revision.Parse(_revision.ToString(CultureInfo.InvariantCulture)), Labels = _labels, Description = _description, StartedAt = _startedAt, GuestOs = spec.GuestOs,
    };

    public Task StartAsync()
    {
        if (Process is not null)
            return Task.CompletedTask;
        bool isDeaf = spec.GuestOs == "deaf";
        var process = new Process { StartInfo = new ProcessStartInfo(isDeaf ? "sleep" : "cat", isDeaf ? ["1000000"] : []) { RedirectStandardInput = true, RedirectStandardOutput = true }, EnableRaisingEvents = true };
        process.Exited += (_, _) => Ended(process);
        process.Start();
        (Process, _isStopping, _reason, _startedAt) = (process, false, null, DateTimeOffset.UtcNow);
        Become(PowerState.Running);
        if (process.HasExited)
            Ended(process);
        return Task.CompletedTask;
    }

    public async Task StopAsync(StopOptions options, CancellationToken cancellationToken)
    {
        if (Process is not { } process)
        {
            Become(PowerState.Stopped);
            return;
        }

        _isStopping = true;
        if (options.GracePeriod > TimeSpan.Zero)
        {
            process.StandardInput.Close();
            try
            {
                await process.WaitForExitAsync(cancellationToken).WaitAsync(options.GracePeriod, cancellationToken);
            }
            catch (Exception error) when (error is OperationCanceledException || !options.ForceAfterGrace)
            {
                _isStopping = false;
                throw error as OperationCanceledException ?? (Exception)new HypervisorException($"'{Name}' did not shut down in time and runs on.", ErrorCode.Timeout, RequestOutcome.FailedMidway);
            }
            catch (TimeoutException)
            {
                // It is switched off.
            }
        }

        process.Kill();
        await process.WaitForExitAsync(CancellationToken.None);
        Ended(process);
    }

    public void Change(InstanceChange change)
    {
        Name = change.Name.IsSet ? change.Name.Value.ToString() : Name;
        _description = change.Description.IsSet ? change.Description.Value : _description;
        _labels = _labels.Where(label => !change.Labels.ContainsKey(label.Key)).Concat(change.Labels.Where(label => label.Value is not null)!).ToDictionary(label => label.Key, label => label.Value!);
        _revision++;
        events.Publish((at, position) => new InstanceChanged { At = at, Position = position, Id = id, Revision = View().Revision });
    }

    // Told by the process, and by who stopped it: whoever comes first.
    private void Ended(Process process)
    {
        lock (_lock)
        {
            if (Process != process)
                return;
            Process = null;
            _startedAt = null;
            _reason = _isStopping ? null : $"The guest ended by itself with {process.ExitCode}.";
            Become(_isStopping ? PowerState.Stopped : PowerState.Crashed);
        }
    }

    private void Become(PowerState state)
    {
        events.PublishState(id, _state, _state = state, _reason);
    }
}
