using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk.Transport;

/// <summary>Throws, so that the callers stay small enough to be inlined.</summary>
internal static class ThrowHelper
{
    [DoesNotReturn]
    public static void Closed(Connection connection) => throw connection.CloseReason!;

    [DoesNotReturn]
    public static void ReaderCompleted() => throw new InvalidOperationException("The input of the connection was completed: it cannot be read any more.");

    [DoesNotReturn]
    public static void WriterCompleted() => throw new InvalidOperationException("The output of the connection was completed: it cannot be written any more.");

    [DoesNotReturn]
    public static void ConcurrentRead() => throw new InvalidOperationException("A read is pending already: an input has one reader at a time.");

    [DoesNotReturn]
    public static void ConcurrentFlush() => throw new InvalidOperationException("A flush is pending already: the next one begins when it has completed.");

    [DoesNotReturn]
    public static void NegativeCount(string name, int count) => throw new ArgumentOutOfRangeException(name, count, "A count of bytes is not negative.");

    [DoesNotReturn]
    public static void AdvancedTooFar(int bytes, int free) =>
        throw new ArgumentOutOfRangeException(nameof(bytes), bytes, $"At most the {free} bytes of the memory that was asked for can be written.");
}
