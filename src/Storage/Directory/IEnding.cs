namespace Hypervisor.Sdk.Storage.Directory;

/// <summary>Something that ends.</summary>
internal interface IEnding
{
    /// <summary>Completes when it has ended, however it did. Never fails.</summary>
    Task Ended { get; }
}
