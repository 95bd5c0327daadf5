using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests.Driver;

[Peer("libvirt")]
public sealed class LibvirtLinkTests(Libvirtd libvirtd)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task A_connection_that_is_being_made_when_the_backend_is_closed_is_closed_with_it()
    {
        var made = new List<LibvirtConnection>();
        var (again, goOn) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        var link = new LibvirtLink(
            async _ =>
            {
                made.Add(await libvirtd.ConnectAsync());
                return made[^1];
            },
            TimeProvider.System)
        {
            Opening = async (_, _) =>
            {
                if (made.Count < 2)
                    return;
                again.TrySetResult();
                await goOn.Task;
            },
        };
        var first = await link.GetAsync(Token);
        await first.DisposeAsync();
        await again.Task.WaitAsync(Token);
        var waiting = link.GetAsync(Token).AsTask();
        var closing = link.DisposeAsync().AsTask();
        goOn.SetResult();
        await closing.WaitAsync(Token);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
        await made[1].Closed.WaitAsync(Token);
        Assert.Equal(2, made.Count);
    }
}
