namespace Hypervisor.Sdk.Remote.Serving;

/// <summary>How the calls of a service are carried out, by their names.</summary>
internal sealed class ServiceRoutes<TService>(string word, Dictionary<string, Route> routes)
    where TService : class
{
    /// <summary>A call that answers a value, which may be missing.</summary>
    public ServiceRoutes<TService> Answer<T>(string name, Func<TService, ServedCall, Task<T>> call) => Add(name, async (service, served) => served.Write().Add(await call(service, served).ConfigureAwait(false)).ToBytes());

    /// <summary>A call that answers that it is done.</summary>
    public ServiceRoutes<TService> Do(string name, Func<TService, ServedCall, Task> call) => Add(name, async (service, served) =>
    {
        await call(service, served).ConfigureAwait(false);
        return served.Write().ToBytes();
    });

    /// <summary>A call that answers a page of a list.</summary>
    public ServiceRoutes<TService> Page<T>(string name, Func<TService, ServedCall, PagedList<T>> call) => Add(name, async (service, served) =>
    {
        var list = call(service, served);
        var page = await list.GetPageAsync(served.Find<string>(), served.Next<int>(), served.Token).ConfigureAwait(false);
        return served.Write().AddMany(page.Items).Add(page.Continuation).Add(page.Position).AddMany(page.Unreachable).ToBytes();
    });

    /// <summary>A call that answers a list, item for item.</summary>
    public ServiceRoutes<TService> List<T>(string name, Func<TService, ServedCall, IAsyncEnumerable<T>> call) => Add(name, async (service, served) =>
    {
        var list = call(service, served);
        await served.OpenedAsync().ConfigureAwait(false);
        await served.SendAllAsync(list).ConfigureAwait(false);
        return default;
    });

    /// <summary>A call that begins work with a result.</summary>
    public ServiceRoutes<TService> Begin<T>(string name, Func<TService, ServedCall, Task<Operation<T>>> call) =>
        Add(name, async (service, served) => await served.Operations.KeepAsync(served, await call(service, served).ConfigureAwait(false)).ConfigureAwait(false));

    /// <summary>A call that begins work.</summary>
    public ServiceRoutes<TService> Begin(string name, Func<TService, ServedCall, Task<Operation>> call) =>
        Add(name, async (service, served) => await served.Operations.KeepAsync(served, await call(service, served).ConfigureAwait(false)).ConfigureAwait(false));

    /// <summary>A call that answers a stream of bytes.</summary>
    public ServiceRoutes<TService> Read(string name, Func<TService, ServedCall, Task<Stream>> call) => Add(name, async (service, served) =>
    {
        var stream = await call(service, served).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            await served.OpenedAsync().ConfigureAwait(false);
            byte[] buffer = new byte[Wire.WireProtocol.ChunkBytes];
            while (await stream.ReadAsync(buffer, served.Token).ConfigureAwait(false) is > 0 and int bytes)
                await served.SendAsync(buffer.AsMemory(0, bytes)).ConfigureAwait(false);
        }

        return default;
    });

    /// <summary>A call in a form of its own.</summary>
    public ServiceRoutes<TService> Add(string name, Func<TService, ServedCall, Task<ReadOnlyMemory<byte>>> call)
    {
        routes.Add($"{word}.{name}", served => served.Backend.TryGet<TService>(out var service)
            ? call(service, served)
            : throw new HypervisorException($"Backend '{served.Backend.Name}' has no {typeof(TService).Name}.", ErrorCode.Unsupported, RequestOutcome.Rejected) { Backend = served.Backend.Name });
        return this;
    }
}
