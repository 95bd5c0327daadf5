using System.Globalization;
using System.Net;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk;

/// <summary>The converters of everything in the model that is no plain object.</summary>
internal static class ModelConverters
{
    public static IEnumerable<JsonConverter> Create(ModelJsonOptions model) =>
    [
        .. PlainConverters.All,
        new ByteSizeConverter(), new SecondsConverter(), new FiniteConverter(), new MomentConverter(), new SecretOrTextConverter(), new SecretReferenceConverter(), new CapabilityAnswerConverter(),
        new SpecExtensionsConverter(model), new FailureConverter<HypervisorException>(), new FailureConverter<BackendConnectionException>(), new FailureConverter<BackendProtocolException>(),
        new ChangeConverter<InstanceName>(false), new ChangeConverter<string?>(true), new ChangeConverter<Sizing>(false), new ChangeConverter<double?>(true), new ChangeConverter<ByteSize?>(true),
        new WordConverter<InstanceKind>(), new WordConverter<ChangeEffects>(), new WordConverter<EventOrigin>(), new WordConverter<RequestOutcome>(), new WordConverter<RequestState>(), new WordConverter<OperationState>(),
        new WordConverter<CloneMode>(), new WordConverter<LaneMode>(), new WordConverter<ContainerFlavor>(), new WordConverter<DiskDisposal>(), new WordConverter<ZeroDetection>(), new WordConverter<Firmware>(), new WordConverter<VolumeAccess>(),
        new WordConverter<BackendConnectionState>(), new WordConverter<BackendRegistryChange>(), new WordConverter<CapabilitySupport>(),
        Text<Architecture>("an architecture"), Text<BackendName>("a backend name"), Text<Capability>("a capability"), Text<Cidr>("an address with a prefix"), Text<DeviceId>("a device id"), Text<ErrorCode>("an error code"),
        Text<EventPosition>("an event position"), Text<Incarnation>("an incarnation"), Text<InstanceId>("an instance id"), Text<InstanceName>("an instance name"), Text<InstanceRef>("a reference to an instance"),
        Text<LaneKey>("a lane key"), Text<MacAddress>("a MAC address"), Text<NodeName>("a node name"), Text<OperationToken>("an operation token"), Text<PoolName>("a pool name"), Text<PowerState>("a power state"),
        Text<RequestId>("a request id"), Text<Revision>("a revision"), Text<ScopeName>("a scope name"), Text<SignalName>("a signal name"), Text<SnapshotName>("a snapshot name"), Text<VolumeId>("a volume id"),
        new TextConverter<IPAddress>("an IP address", IPAddress.Parse, address => address.ToString()),
        new TextConverter<IPEndPoint>("an IP address with a port", IPEndPoint.Parse, endPoint => endPoint.ToString()),
        new TextConverter<DnsEndPoint>("a host with a port", ParseDnsEndPoint, endPoint => endPoint.Host.Contains(':') ? $"[{endPoint.Host}]:{endPoint.Port}" : $"{endPoint.Host}:{endPoint.Port}"),
        new TextConverter<Uri>("an absolute address", text => Uri.TryCreate(text, UriKind.Absolute, out var uri) ? uri : throw new FormatException(""), uri => uri.OriginalString),
        new TextConverter<UnixFileMode>("an octal file mode", ParseMode, mode => Convert.ToString((int)mode, 8).PadLeft(4, '0')),
    ];

    private static TextConverter<T> Text<T>(string what)
        where T : ISpanParsable<T> => new(what, text => T.Parse(text, CultureInfo.InvariantCulture), value => value.ToString() ?? "");

    private static DnsEndPoint ParseDnsEndPoint(string text)
    {
        int colon = text.LastIndexOf(':');
        if (colon < 1 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
            throw new FormatException("");
        string host = text[..colon];
        return new(host[0] == '[' && host[^1] == ']' ? host[1..^1] : host, port);
    }

    private static UnixFileMode ParseMode(string text) =>
        text.Length is 0 or > 4 || text.AsSpan().ContainsAnyExceptInRange('0', '7') ? throw new FormatException("") : (UnixFileMode)Convert.ToInt32(text, 8);
}
