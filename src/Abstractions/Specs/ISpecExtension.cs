namespace Hypervisor.Sdk;

/// <summary>Settings that only one kind of backend knows.</summary>
public interface ISpecExtension
{
    /// <summary>The kind of backend: <c>qemu</c>. That driver refuses an extension of its kind that it does not know; other drivers ignore it.</summary>
    string BackendKind { get; }
}
