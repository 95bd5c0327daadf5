using System.Runtime.Versioning;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Qemu.GuestAgent;
using Hypervisor.Sdk.Qemu.Machines;

namespace Hypervisor.Sdk.Qemu.Guests;

/// <summary>A file that the agent of a machine has open. The agent knows it by its number, whoever is connected; between two parts others may talk to it.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuAgentFile(QemuServices services, AgentChannel channel, InstanceId id, long handle) : IGuestAgentFile
{
    // Others hold the agent for one exchange; who holds it longer has stopped.
    private static readonly TimeSpan s_longestWait = TimeSpan.FromMinutes(2);

    public static async Task<IGuestAgentFile> OpenAsync(QemuServices services, AgentChannel channel, InstanceId id, string path, string mode) =>
        new QemuAgentFile(services, channel, id, await channel.TalkAsync(id, async agent => await agent.FileOpenAsync(path, mode).ConfigureAwait(false), CancellationToken.None).ConfigureAwait(false));

    public async Task<GuestAgentPart> ReadAsync(int maxBytes)
    {
        var read = await TalkAsync(async agent => await agent.FileReadAsync(handle, maxBytes).ConfigureAwait(false)).ConfigureAwait(false);
        return new GuestAgentPart(QemuCommands.Decode(read.BufB64), read.Eof);
    }

    public async Task<long> WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        string base64 = Convert.ToBase64String(bytes.Span);
        return (await TalkAsync(async agent => await agent.FileWriteAsync(handle, base64).ConfigureAwait(false)).ConfigureAwait(false)).Count;
    }

    public Task FlushAsync() => TalkAsync(async agent =>
    {
        await agent.FileFlushAsync(handle).ConfigureAwait(false);
        return true;
    });

    public Task CloseAsync() => TalkAsync(async agent =>
    {
        await agent.FileCloseAsync(handle).ConfigureAwait(false);
        return true;
    });

    private async Task<T> TalkAsync<T>(Func<GuestAgentClient, Task<T>> talk)
    {
        long began = services.Time.GetTimestamp();
        while (true)
        {
            try
            {
                return await channel.TalkAsync(id, talk, CancellationToken.None).ConfigureAwait(false);
            }
            catch (HypervisorException error) when (error.Code == ErrorCode.Locked && services.Time.GetElapsedTime(began) < s_longestWait)
            {
                // Another process talks to the agent: the file stays open meanwhile.
                await Task.Delay(GuestAgentExec.LongestPause, services.Time, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }
}
