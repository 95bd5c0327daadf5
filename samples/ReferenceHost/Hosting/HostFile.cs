using System.Diagnostics;
using System.Text.Json;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>STATE/host.json: where the host serves, and which process it is.</summary>
internal sealed record HostFile(string Address, int Pid, DateTimeOffset StartTime)
{
    public void Write(string path)
    {
        using var content = new MemoryStream();
        using (var writer = new Utf8JsonWriter(content))
        {
            writer.WriteStartObject();
            writer.WriteString("address", Address);
            writer.WriteNumber("pid", Pid);
            writer.WriteString("startTime", StartTime);
            writer.WriteEndObject();
        }

        StateDirectory.Write(path, content.ToArray());
    }

    public static HostFile OfThisProcess(string address)
    {
        using var process = Process.GetCurrentProcess();
        return new(address, process.Id, process.StartTime.ToUniversalTime());
    }

    /// <returns>The address; null when there is no file.</returns>
    public static string? ReadAddress(string path)
    {
        if (!File.Exists(path))
            return null;
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        return document.RootElement.GetProperty("address").GetString();
    }
}
