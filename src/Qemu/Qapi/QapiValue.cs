using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Hypervisor.Sdk.Qemu.Qapi;

/// <summary>A value with a shape of its own in QAPI: an object, or one of several alternatives.</summary>
public abstract class QapiValue
{
    private protected QapiValue()
    {
    }

    /// <summary>Writes the value as QEMU reads it. Members that are null are left out.</summary>
    /// <exception cref="InvalidOperationException">An alternate has no member set.</exception>
    public abstract void WriteTo(Utf8JsonWriter writer);

    /// <summary>The value as JSON text: what <c>-blockdev</c>, <c>-device</c>, <c>-object</c> and <c>-netdev</c> take on QEMU's command line.</summary>
    public string ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Wire.WriterOptions))
            WriteTo(writer);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
