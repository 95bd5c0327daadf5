using System.Collections.Concurrent;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.GuestAgent;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Guests;

/// <summary>Talks to guest agents. A channel has one user at a time: within this process they wait for each other, and while one talks other processes are told that it is taken.</summary>
[SupportedOSPlatform("linux")]
internal sealed class AgentChannel(QemuServices services, MachineTable machines)
{
    /// <summary>The agent keeps 16 MiB of each of a command's two outputs, and says both in one line of Base64.</summary>
    private const int MaxMessageBytes = 48 << 20;

    private readonly ConcurrentDictionary<string, SemaphoreSlim> _turns = new(StringComparer.Ordinal);

    /// <summary>Connects, talks, and lets go.</summary>
    /// <exception cref="HypervisorException">The machine does not run, has no channel, or nobody in the guest answers.</exception>
    public async Task<T> TalkAsync<T>(InstanceId id, Func<GuestAgentClient, Task<T>> talk, CancellationToken cancellationToken)
    {
        var (machine, config, _) = await machines.RequireUpAsync(id, cancellationToken).ConfigureAwait(false);
        return await TalkAsync(machine, config, talk, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc cref="TalkAsync{T}(InstanceId, Func{GuestAgentClient, Task{T}}, CancellationToken)"/>
    public async Task<T> TalkAsync<T>(Machine machine, MachineConfig config, Func<GuestAgentClient, Task<T>> talk, CancellationToken cancellationToken)
    {
        if (!config.Machine.AgentChannel)
            throw new HypervisorException($"The machine '{config.Name}' was made without an agent channel ({nameof(QemuMachine)}.{nameof(QemuMachine.AgentChannel)}).", ErrorCode.Unsupported, RequestOutcome.NotSent) { Backend = services.Name };
        var turn = _turns.GetOrAdd(machine.Id, static _ => new SemaphoreSlim(1, 1));
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            using var held = services.State.TryLock(machine.Id + ".agent")
                ?? throw new HypervisorException($"Another process is talking to the guest agent of '{config.Name}'.", ErrorCode.Locked, RequestOutcome.NotSent) { Backend = services.Name };
            try
            {
                var client = await GuestAgentClient.ConnectAsync(services.Runtime.SocketOf(machine.Id, RuntimeDirectory.AgentSocket), new GuestAgentClientOptions { TimeProvider = services.Time, MaxMessageBytes = MaxMessageBytes }, cancellationToken).ConfigureAwait(false);
                await using (client.ConfigureAwait(false))
                    return await talk(client).ConfigureAwait(false);
            }
            finally
            {
                held.Remove();
            }
        }
        finally
        {
            turn.Release();
        }
    }
}
