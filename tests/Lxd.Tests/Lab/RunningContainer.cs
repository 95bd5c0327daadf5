namespace Hypervisor.Sdk.Lxd.Tests.Lab;

/// <summary>A container of busybox that runs, and the driver by which it was made; deleted at the end.</summary>
internal sealed class RunningContainer(LxdBackend backend, InstanceId id) : IAsyncDisposable
{
    public LxdBackend Backend => backend;

    public InstanceId Id => id;

    public IExec Exec => backend.Get<IExec>();

    public ICommands Commands => backend.Get<ICommands>();

    public static async Task<RunningContainer> StartAsync(PrivateServer server, string name, int maxConnections = 32)
    {
        var token = TestContext.Current.CancellationToken;
        var backend = await LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = new LxdOptions { Server = server.Socket, MaxConnections = maxConnections } }, token);
        try
        {
            var containers = backend.Get<IContainerRuntime>();
            var made = await containers.CreateAsync(new ContainerSpec { Name = InstanceName.Parse(name), Image = server.Image }, null, token).WaitForCompletionAsync(token);
            await containers.StartAsync(made.Id, null, token).WaitForCompletionAsync(token);
            return new RunningContainer(backend, made.Id);
        }
        catch
        {
            await backend.DisposeAsync();
            throw;
        }
    }

    public Task<CommandResult> RunAsync(params string[] command) => Commands.RunAsync(id, new CommandSpec { Command = command }, default, TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        try
        {
            await backend.Get<IContainerRuntime>().DeleteAsync(id, new DeleteOptions { StopFirst = true }).WaitForCompletionAsync(CancellationToken.None);
        }
        catch (HypervisorException)
        {
            // The test has done away with it, or with the server.
        }

        await backend.DisposeAsync();
    }
}
