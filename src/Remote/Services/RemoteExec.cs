using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;
using Hypervisor.Sdk.Remote.Sessions;
using Hypervisor.Sdk.Remote.Wire;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IExec"/> over there. A command is an open call whose data is its input and its outputs, and which ends with its exit code.</summary>
internal sealed class RemoteExec(RemoteCalls calls) : IExec
{
    public async Task<ExecSession> StartAsync(InstanceId id, CommandSpec spec, CancellationToken cancellationToken = default) =>
        new RemoteExecSession(await calls.Change("exec.start").With(id).With(spec).OpenAsync(cancellationToken).ConfigureAwait(false));

    public static void Serve(ServiceRoutes<IExec> routes) => routes
        .Add("start", static async (exec, call) =>
        {
            var session = await exec.StartAsync(call.Next<InstanceId>(), call.Next<CommandSpec>(), call.Token).ConfigureAwait(false);
            await using (session.ConfigureAwait(false))
            {
                await call.OpenedAsync(call.Write().Add(session.CanSignal).Add(session.CanResize), session).ConfigureAwait(false);
                using var ending = CancellationTokenSource.CreateLinkedTokenSource(call.Token);
                var input = ReceiveAsync(session, call, ending.Token);
                try
                {
                    await SendAsync(session, call).ConfigureAwait(false);
                }
                finally
                {
                    await ending.CancelAsync().ConfigureAwait(false);
                    await input.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }

                return call.Write().Add(session.ExitCode).ToBytes();
            }
        })
        .Do("resize", static (_, call) => call.NextSubject<ExecSession>().ResizeAsync(call.Next<int>(), call.Next<int>(), call.Token).AsTask())
        .Do("signal", static (_, call) => call.NextSubject<ExecSession>().SignalAsync(call.Next<SignalName>(), call.Token).AsTask());

    /// <summary>Sends what the command prints, to its end.</summary>
    private static async Task SendAsync(ExecSession session, ServedCall call)
    {
        byte[] buffer = new byte[WireProtocol.ChunkBytes];
        while (true)
        {
            var read = await session.ReadAsync(buffer.AsMemory(1), call.Token).ConfigureAwait(false);
            if (read.Channel == ExecChannel.End)
                return;
            buffer[0] = (byte)read.Channel;
            if (read.Count > 0)
                await call.SendMessageAsync(buffer.AsMemory(0, 1 + read.Count)).ConfigureAwait(false);
        }
    }

    /// <summary>Writes what the caller sends. A command that reads no more ends that, and nothing else.</summary>
    private static async Task ReceiveAsync(ExecSession session, ServedCall call, CancellationToken ending)
    {
        while (await call.ReceiveAsync(ending).ConfigureAwait(false) is { } input)
            await session.WriteAsync(input, ending).ConfigureAwait(false);
        await session.CompleteInputAsync(ending).ConfigureAwait(false);
    }
}
