using System.Collections;
using System.Net;
using System.Reflection;
using System.Text.Json;

namespace Hypervisor.Sdk.Tests.Json;

/// <summary>Makes values of the model by their public properties: with a seed, random ones; without, one fixed value in which every property is set.</summary>
internal sealed class ModelFactory(int? seed = null)
{
    private readonly Random? _random = seed is { } value ? new Random(value) : null;

    /// <summary>Every type that has a JSON form of its own: the model's, without helpers and experimental names.</summary>
    public static IReadOnlyList<Type> Roots { get; } =
    [
        typeof(Instance), typeof(InstanceFilter), typeof(VirtualMachineSpec), typeof(ContainerSpec), typeof(InstanceChange), typeof(ChangePlan), typeof(ApplyOptions), typeof(StopOptions), typeof(DeleteOptions),
        typeof(RequestOptions), typeof(RequestLookup), typeof(OperationProgress), typeof(InstanceObserved), typeof(Synchronized), typeof(InstanceCreated), typeof(InstanceStateChanged), typeof(InstanceChanged),
        typeof(InstanceDeleted), typeof(EventGap), typeof(OtherEvent), typeof(Snapshot), typeof(SnapshotSpec), typeof(CloneSpec), typeof(CommandSpec), typeof(CommandResult), typeof(GuestInfo), typeof(GuestFile),
        typeof(Image), typeof(Network), typeof(Node), typeof(InstanceMetrics), typeof(InstanceRates), typeof(NodeMetrics), typeof(PortForward), typeof(PortSpec), typeof(NativeDocument), typeof(LaneClaim), typeof(LaneQuery),
        typeof(BackupOptions), typeof(MigrationCheck), typeof(MigrationOptions), typeof(MigrationTarget), typeof(StoragePool), typeof(StoragePoolSpec), typeof(Volume), typeof(VolumeSpec), typeof(VolumeLease), typeof(VolumeConsumer),
        typeof(BackendDefinition), typeof(BackendHealth), typeof(BackendInfo), typeof(BackendRegistration), typeof(CapabilityAnswer), typeof(TransferProgress),
        typeof(HypervisorException), typeof(BackendConnectionException), typeof(BackendProtocolException),
        typeof(Sizing.Explicit), typeof(Sizing.Type), typeof(BootSource.FirstDisk), typeof(BootSource.Iso), typeof(BootSource.Kernel), typeof(BootSource.NetworkBoot), typeof(DiskContent.Blank),
        typeof(DiskContent.FromImage), typeof(DiskContent.Existing), typeof(DiskContent.Attached), typeof(DiskContent.Cd), typeof(DiskLimits), typeof(DiskLayer), typeof(DiskMoveOptions), typeof(DiskExportOptions), typeof(VolumeAttachment.File), typeof(VolumeAttachment.BlockDevice), typeof(VolumeAttachment.Rbd),
        typeof(VolumeAttachment.Iscsi), typeof(VolumeAttachment.Nbd), typeof(VolumeAttachment.Managed),
    ];

    public object Create(Type type, string hint = "value")
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type.IsEnum)
            return CreateEnum(type);
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Change<>))
            return type.GetMethod("ToChange")!.Invoke(null, [Create(type.GetGenericArguments()[0], hint)])!;
        if (CreateCollection(type, hint) is { } collection)
            return collection;
        if (CreateValue(type, hint) is { } value)
            return value;
        if (type.IsAbstract)
            return Create(Pick(Roots.Where(root => type.IsAssignableFrom(root)).ToArray()), hint);
        return Fill(type, Construct(type));
    }

    /// <summary>The properties that a caller can set, or fill.</summary>
    public static IEnumerable<PropertyInfo> Settable(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.GetIndexParameters().Length == 0 && (property.SetMethod is { IsPublic: true } || property.PropertyType.Name is "IList`1" or "IDictionary`2"));

    private object Construct(Type type)
    {
        if (type.GetConstructor([]) is not null)
            return Activator.CreateInstance(type)!;
        var constructor = type.GetConstructors().OrderByDescending(candidate => candidate.GetParameters().Length).First();
        return constructor.Invoke([.. constructor.GetParameters().Select(parameter => parameter.HasDefaultValue && Skip() ? parameter.DefaultValue : Create(parameter.ParameterType, parameter.Name!))]);
    }

    private object Fill(Type type, object target)
    {
        foreach (var property in Settable(type))
        {
            bool isRequired = property.IsDefined(typeof(System.Runtime.CompilerServices.RequiredMemberAttribute), false);
            if ((typeof(VolumeAttachment).IsAssignableFrom(type) && property.Name == "Kind") || (!isRequired && Skip()))
                continue;
            if (property.Name is "AllowedCharacters" or "AllowedFirstCharacters")
                property.SetValue(target, "a-z0-9.");
            else if (property.SetMethod is { IsPublic: true })
                property.SetValue(target, Create(property.PropertyType, property.Name));
            else if (property.GetValue(target) is IDictionary dictionary)
                foreach (DictionaryEntry entry in (IDictionary)Create(dictionary.GetType(), property.Name))
                    dictionary[entry.Key] = entry.Value;
            else if (property.GetValue(target) is IList list)
                foreach (object? item in (IEnumerable)Create(list.GetType(), property.Name))
                    list.Add(item);
        }

        return target;
    }

    private object? CreateCollection(Type type, string hint)
    {
        if (!type.IsGenericType || type == typeof(ReadOnlyMemory<byte>) || !typeof(IEnumerable).IsAssignableFrom(type))
            return null;
        var arguments = type.GetGenericArguments();
        int count = _random?.Next(4) ?? 1;
        if (arguments.Length == 2)
        {
            var dictionary = (IDictionary)Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(arguments))!;
            for (int i = 0; i < count; i++)
                dictionary[Create(arguments[0], $"{hint}Key")] = Create(arguments[1], $"{hint}Value");
            return dictionary;
        }

        var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(arguments))!;
        for (int i = 0; i < count; i++)
            list.Add(Create(arguments[0], hint));
        return list;
    }

    private object? CreateValue(Type type, string hint)
    {
        long number = _random?.NextInt64(1, long.MaxValue) ?? 2;
        string word = _random is null ? JsonNamingPolicy.KebabCaseLower.ConvertName(hint) : $"w{number}";
        return type switch
        {
            _ when type == typeof(string) => _random is null ? hint : RandomText(),
            _ when type == typeof(bool) => _random is null || number % 2 == 0,
            _ when type == typeof(int) => (int)(number % int.MaxValue),
            _ when type == typeof(long) => number,
            _ when type == typeof(double) => _random is null ? 1.5 : (double)number / 1024,
            _ when type == typeof(TimeSpan) => _random is null ? TimeSpan.FromMilliseconds(1500) : TimeSpan.FromTicks(number % TimeSpan.TicksPerDay),
            _ when type == typeof(DateTimeOffset) => _random is null ? new DateTimeOffset(2026, 1, 31, 12, 0, 0, 250, TimeSpan.Zero) : new DateTimeOffset(number % DateTimeOffset.MaxValue.Ticks, TimeSpan.Zero),
            _ when type == typeof(ReadOnlyMemory<byte>) => new ReadOnlyMemory<byte>(_random is null ? "bytes"u8.ToArray() : BitConverter.GetBytes(number)),
            _ when type == typeof(Uri) => new Uri("nbd://10.0.0.1:10809/disk"),
            _ when type == typeof(Version) => new Version(10, (int)(number % 1000)),
            _ when type == typeof(IPAddress) => new IPAddress(number % 256 << 24 | 10),
            _ when type == typeof(IPEndPoint) => new IPEndPoint(IPAddress.Parse(number % 2 == 0 ? "10.0.0.1" : "fd00::1"), (int)(number % 65536)),
            _ when type == typeof(DnsEndPoint) => new DnsEndPoint(number % 3 == 0 ? "fd00::1" : "portal.example", (int)(number % 65536)),
            _ when type == typeof(ByteSize) => _random is null ? ByteSize.FromGiB(2) : new ByteSize(number),
            _ when type == typeof(Cidr) => Cidr.Parse($"10.0.0.{number % 256}/24"),
            _ when type == typeof(MacAddress) => MacAddress.FromBytes([0x52, 0x54, 0, (byte)number, (byte)(number >> 8), 1]),
            _ when type == typeof(RequestId) => RequestId.FromGuid(_random is null ? new Guid("01890a5d-ac96-774b-bcce-b302099a8057") : new Guid(1, 2, 3, BitConverter.GetBytes(number))),
            _ when type == typeof(InstanceRef) => InstanceRef.Parse($"local/{word}"),
            _ when type == typeof(OperationToken) => OperationToken.Parse($"v1/local/{word}"),
            _ when type == typeof(SignalName) => SignalName.Parse("SIGTERM"),
            _ when type == typeof(SecretReference) => new SecretReference(word, Skip() ? null : "2"),
            _ when type == typeof(SecretOrText) => _random is null || number % 2 == 0 ? SecretOrText.FromSecret(new(word)) : SecretOrText.FromText(RandomText()),
            _ when type == typeof(NativeDocument) => new NativeDocument("application/json", "{}"u8.ToArray()),
            _ when type == typeof(CapabilityAnswer) => number % 2 == 0 ? CapabilityAnswer.Conditional("When it is stopped.") : CapabilityAnswer.Yes,
            _ when type == typeof(TransferProgress) => new TransferProgress(number, Skip() ? null : number),
            _ when type == typeof(SpecExtensions) => new SpecExtensions(),
            _ when type == typeof(HypervisorException) => Failure((message, code, outcome) => new HypervisorException(message, code, outcome) { Backend = BackendName.Parse("local"), Resource = "instance 1", BackendCode = "EBUSY", BackendMessage = "Device busy", FieldErrors = new Dictionary<string, string> { ["$.name"] = "It is taken." }, RetryAfter = TimeSpan.FromSeconds(2) }),
            _ when type == typeof(BackendConnectionException) => Failure((message, code, outcome) => new BackendConnectionException(message, code, outcome)),
            _ when type == typeof(BackendProtocolException) => Failure((message, code, outcome) => new BackendProtocolException(message, code, outcome) { Backend = BackendName.Parse("local") }),
            _ when type.GetMethod("Parse", [typeof(string), typeof(IFormatProvider)]) is { } parse => parse.Invoke(null, [word, null]),
            _ => null,
        };
    }

    private HypervisorException Failure(Func<string, ErrorCode, RequestOutcome, HypervisorException> create) => create("The disk is in use.", ErrorCode.Locked, (RequestOutcome)CreateEnum(typeof(RequestOutcome)));

    private object CreateEnum(Type type)
    {
        if (type == typeof(UnixFileMode))
            return UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        var values = Enum.GetValues(type);
        if (type == typeof(ChangeEffects))
            return (ChangeEffects)(_random?.Next(64) ?? 5);
        return values.GetValue(_random?.Next(values.Length) ?? values.Length - 1)!;
    }

    private string RandomText()
    {
        char[] alphabet = [.. "abcXYZ019 \"\\/<>&'\n\t\0\u200f\u00e9\u4e2d"];
        return string.Concat(_random!.GetItems(alphabet, _random.Next(12))) + (_random.Next(4) == 0 ? "\U0001F600" : "");
    }

    private bool Skip() => _random is not null && _random.Next(3) == 0;

    private T Pick<T>(T[] from) => from[_random?.Next(from.Length) ?? 0];
}
