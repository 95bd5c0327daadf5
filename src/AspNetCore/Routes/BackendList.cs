namespace Hypervisor.Sdk.AspNetCore;

/// <summary>Asks all backends that have a feature at once, and names those that do not answer.</summary>
internal static class BackendList
{
    public static async Task WriteAsync<TService, T>(ApiCall call, Func<TService, CancellationToken, IAsyncEnumerable<T>> list)
        where TService : class
    {
        var only = call.Query<BackendName>("backend");
        if (only is { } name)
            await call.Services.Registry.GetAsync(name, call.Aborted).ConfigureAwait(false);
        var names = call.Services.Registry.List().Select(backend => backend.Name).Where(backend => only is null || backend == only);
        var answers = await Task.WhenAll(names.Select(backend => AskAsync(call, backend, list))).ConfigureAwait(false);
        await call.WriteAsync(writer =>
        {
            writer.WriteStartObject();
            Located.WriteArray(call.Services.Json, writer, "items", answers.SelectMany(answer => answer.Items));
            Unreachable.Write(writer, [.. answers.Select(answer => answer.Failure).OfType<HypervisorException>()]);
            writer.WriteEndObject();
        }).ConfigureAwait(false);
    }

    private static async Task<(List<Located<T>> Items, HypervisorException? Failure)> AskAsync<TService, T>(ApiCall call, BackendName name, Func<TService, CancellationToken, IAsyncEnumerable<T>> list)
        where TService : class
    {
        var items = new List<Located<T>>();
        using var deadline = new CancellationTokenSource(call.Services.Options.ListTimeout, call.Services.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(call.Aborted, deadline.Token);
        try
        {
            var backend = await call.Services.Registry.GetAsync(name, either.Token).ConfigureAwait(false);
            if (!backend.TryGet<TService>(out var service))
                return (items, null);
            await foreach (var item in list(service, either.Token).ConfigureAwait(false))
                items.Add(new(name, item));
            return (items, null);
        }
        catch (HypervisorException failure)
        {
            return (items, Unreachable.Backend(name, failure));
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !call.Aborted.IsCancellationRequested)
        {
            return (items, Unreachable.Late(name, call.Services.Options.ListTimeout));
        }
    }
}
