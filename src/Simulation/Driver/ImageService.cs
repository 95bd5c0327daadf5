using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Simulation.Calls;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>The images that disks and containers can be made from.</summary>
internal sealed class ImageService(SimulationClient client) : IImages
{
    public async IAsyncEnumerable<Image> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        bool hasContainers = client.World.Personality.Can(Capability.Containers);
        var images = await client.World.Calls.EnterAsync(client, "list-images", "", null, () => Task.FromResult(client.World.Options.Images.Select(image => new Image
        {
            Id = image.Key,
            Name = image.Key,
            Kind = hasContainers ? "disk and container" : "disk",
            Format = "raw",
            Size = image.Value,
            VirtualSize = image.Value,
        }).ToArray())).ConfigureAwait(true);
        foreach (var image in images)
            yield return image;
    }
}
