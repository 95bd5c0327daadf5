namespace Hypervisor.Sdk.Qemu.Qapi;

/// <summary>What a peer sent has not the shape that the schema gives it. Never leaves the client: there it becomes a broken protocol.</summary>
internal sealed class QapiFormatException(string message) : Exception(message);
