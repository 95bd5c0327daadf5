using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Hypervisor.Sdk;

/// <summary>
/// Shapes what the compiler generated into the form of the model: unions carry a <c>kind</c>, an absent member keeps the default that its type gives it, a change that mentions nothing is not written, and
/// unknown fields are kept or, in a strict contract, refused.
/// </summary>
internal sealed class ModelContract(ModelJsonOptions model, bool strict)
{
    private const string Discriminator = "kind";

    // The generated code sets init-only members through a constructor call that names them all, and so would replace the default of each absent one by null. These are made empty and filled instead.
    private static readonly Dictionary<Type, Func<object>> s_create = new()
    {
        [typeof(Instance)] = New<Instance>, [typeof(DiskDevice)] = New<DiskDevice>, [typeof(DiskLimits)] = New<DiskLimits>, [typeof(DiskRate)] = New<DiskRate>, [typeof(DiskLayer)] = New<DiskLayer>, [typeof(DiskMoveOptions)] = New<DiskMoveOptions>, [typeof(DiskExportOptions)] = New<DiskExportOptions>, [typeof(NetworkDevice)] = New<NetworkDevice>, [typeof(InstanceFilter)] = New<InstanceFilter>,
        [typeof(VirtualMachineSpec)] = New<VirtualMachineSpec>, [typeof(ContainerSpec)] = New<ContainerSpec>, [typeof(DiskSpec)] = New<DiskSpec>, [typeof(NetworkSpec)] = New<NetworkSpec>,
        [typeof(MountSpec)] = New<MountSpec>, [typeof(PortSpec)] = New<PortSpec>, [typeof(Placement)] = New<Placement>, [typeof(CloudInitData)] = New<CloudInitData>, [typeof(InstanceChange)] = New<InstanceChange>,
        [typeof(ChangePlan)] = New<ChangePlan>, [typeof(PlannedStep)] = New<PlannedStep>, [typeof(ApplyOptions)] = New<ApplyOptions>, [typeof(StopOptions)] = New<StopOptions>, [typeof(DeleteOptions)] = New<DeleteOptions>,
        [typeof(RequestOptions)] = New<RequestOptions>, [typeof(RequestLookup)] = New<RequestLookup>, [typeof(OperationProgress)] = New<OperationProgress>, [typeof(InstanceObserved)] = New<InstanceObserved>,
        [typeof(Synchronized)] = New<Synchronized>, [typeof(InstanceCreated)] = New<InstanceCreated>, [typeof(InstanceStateChanged)] = New<InstanceStateChanged>, [typeof(InstanceChanged)] = New<InstanceChanged>,
        [typeof(InstanceDeleted)] = New<InstanceDeleted>, [typeof(EventGap)] = New<EventGap>, [typeof(OtherEvent)] = New<OtherEvent>, [typeof(Snapshot)] = New<Snapshot>, [typeof(SnapshotSpec)] = New<SnapshotSpec>,
        [typeof(CloneSpec)] = New<CloneSpec>, [typeof(CommandSpec)] = New<CommandSpec>, [typeof(CommandResult)] = New<CommandResult>, [typeof(GuestInfo)] = New<GuestInfo>,
        [typeof(GuestNetworkInterface)] = New<GuestNetworkInterface>, [typeof(GuestFile)] = New<GuestFile>, [typeof(GuestFileAttributes)] = New<GuestFileAttributes>, [typeof(Image)] = New<Image>,
        [typeof(Network)] = New<Network>, [typeof(Node)] = New<Node>, [typeof(InstanceMetrics)] = New<InstanceMetrics>, [typeof(InstanceRates)] = New<InstanceRates>, [typeof(NodeMetrics)] = New<NodeMetrics>, [typeof(PortForward)] = New<PortForward>,
        [typeof(LaneClaim)] = New<LaneClaim>, [typeof(LaneQuery)] = New<LaneQuery>, [typeof(MigrationCheck)] = New<MigrationCheck>, [typeof(MigrationOptions)] = New<MigrationOptions>, [typeof(BackupOptions)] = New<BackupOptions>,
        [typeof(MigrationTarget)] = New<MigrationTarget>, [typeof(StoragePool)] = New<StoragePool>, [typeof(StoragePoolSpec)] = New<StoragePoolSpec>, [typeof(Volume)] = New<Volume>, [typeof(VolumeSpec)] = New<VolumeSpec>,
        [typeof(VolumeLease)] = New<VolumeLease>, [typeof(VolumeConsumer)] = New<VolumeConsumer>, [typeof(BackendDefinition)] = New<BackendDefinition>, [typeof(BackendHealth)] = New<BackendHealth>,
        [typeof(BackendInfo)] = New<BackendInfo>, [typeof(BackendRegistration)] = New<BackendRegistration>, [typeof(NamingRules)] = New<NamingRules>, [typeof(FailureForm)] = New<FailureForm>, [typeof(SecretForm)] = New<SecretForm>,
    };

    private static readonly Dictionary<Type, (Type Type, string Kind)[]> s_unions = new()
    {
        [typeof(InstanceSpec)] = [(typeof(VirtualMachineSpec), "virtualMachine"), (typeof(ContainerSpec), "container")],
        [typeof(Sizing)] = [(typeof(Sizing.Explicit), "explicit"), (typeof(Sizing.Type), "type")],
        [typeof(BootSource)] = [(typeof(BootSource.FirstDisk), "firstDisk"), (typeof(BootSource.Iso), "iso"), (typeof(BootSource.Kernel), "kernel"), (typeof(BootSource.NetworkBoot), "networkBoot")],
        [typeof(DiskContent)] = [(typeof(DiskContent.Blank), "blank"), (typeof(DiskContent.FromImage), "fromImage"), (typeof(DiskContent.Existing), "existing"), (typeof(DiskContent.Attached), "attached"), (typeof(DiskContent.Cd), "cd")],
        [typeof(VolumeAttachment)] =
        [
            (typeof(VolumeAttachment.File), "file"), (typeof(VolumeAttachment.BlockDevice), "block"), (typeof(VolumeAttachment.Rbd), "rbd"), (typeof(VolumeAttachment.Iscsi), "iscsi"),
            (typeof(VolumeAttachment.Nbd), "nbd"), (typeof(VolumeAttachment.Managed), "managed"),
        ],
        [typeof(BackendEvent)] =
        [
            (typeof(InstanceObserved), "instanceObserved"), (typeof(Synchronized), "synchronized"), (typeof(InstanceCreated), "instanceCreated"), (typeof(InstanceStateChanged), "instanceStateChanged"),
            (typeof(InstanceChanged), "instanceChanged"), (typeof(InstanceDeleted), "instanceDeleted"), (typeof(EventGap), "eventGap"), (typeof(OtherEvent), "other"),
        ],
    };

    private static readonly Dictionary<Type, Func<object?, bool>> s_isChange = new()
    {
        [typeof(Change<InstanceName>)] = ChangeConverter<InstanceName>.IsSet, [typeof(Change<string>)] = ChangeConverter<string?>.IsSet, [typeof(Change<Sizing>)] = ChangeConverter<Sizing>.IsSet,
        [typeof(Change<double?>)] = ChangeConverter<double?>.IsSet, [typeof(Change<ByteSize?>)] = ChangeConverter<ByteSize?>.IsSet,
    };

    /// <summary>The union that a type is one form of, or the type itself.</summary>
    public static Type UnionOf(Type type) => typeof(HypervisorException).IsAssignableFrom(type) ? typeof(HypervisorException) : s_unions.Keys.FirstOrDefault(union => union.IsAssignableFrom(type)) ?? type;

    public void Shape(JsonTypeInfo typeInfo)
    {
        if (typeInfo.Kind != JsonTypeInfoKind.Object)
            return;
        if (s_unions.TryGetValue(typeInfo.Type, out var forms))
        {
            typeInfo.PolymorphismOptions = new() { TypeDiscriminatorPropertyName = Discriminator };
            foreach (var (type, kind) in forms)
                typeInfo.PolymorphismOptions.DerivedTypes.Add(new(type, kind));
            typeInfo.Properties.Clear();
            return;
        }

        if (typeInfo.CreateObject is null && s_create.TryGetValue(typeInfo.Type, out var create))
            typeInfo.CreateObject = create;
        ShapeProperties(typeInfo);
        if (typeInfo.Type.IsValueType)
            return;
        typeInfo.OnDeserialized = read => RefuseNullItems(typeInfo, read);
        if (!strict)
            KeepUnknownFields(typeInfo);
    }

    private void ShapeProperties(JsonTypeInfo typeInfo)
    {
        for (int i = typeInfo.Properties.Count - 1; i >= 0; i--)
        {
            var property = typeInfo.Properties[i];
            if (property.AttributeProvider is PropertyInfo { SetMethod: { } setter } && IsInitOnly(setter) && s_create.ContainsKey(typeInfo.Type))
            {
                var invoker = MethodInvoker.Create(setter);
                property.Set = (target, value) => invoker.Invoke(target, value);
            }
            else if (property.Set is null && property.PropertyType == typeof(SpecExtensions))
            {
                property.Set = (target, value) => CopyExtensions((SpecExtensions)value!, (SpecExtensions)property.Get!(target)!);
            }
            else if (property.Set is null && (property.PropertyType.IsGenericType && property.PropertyType.GetGenericTypeDefinition() is { } shape && (shape == typeof(IList<>) || shape == typeof(IDictionary<,>))))
            {
                property.ObjectCreationHandling = JsonObjectCreationHandling.Populate;
                // Filled where it is, so never called; but its presence makes a null an error that names the field.
                property.Set = (_, _) => { };
                property.IsSetNullable = false;
            }

            if (s_isChange.TryGetValue(property.PropertyType, out var isSet))
                property.ShouldSerialize = (_, value) => isSet(value);
            if (property.PropertyType == typeof(string) && typeInfo.Type == typeof(BootSource.Kernel) && property.Name == "initrdPath")
                property.IsRequired = false;
            if (typeof(VolumeAttachment).IsAssignableFrom(typeInfo.Type) && property.Name == Discriminator)
                typeInfo.Properties.RemoveAt(i);
        }
    }

    private static void KeepUnknownFields(JsonTypeInfo typeInfo) => typeInfo.Properties.Add(JsonMetadataServices.CreatePropertyInfo(typeInfo.Options, new JsonPropertyInfoValues<Dictionary<string, JsonElement>>
    {
        IsProperty = true,
        IsPublic = true,
        DeclaringType = typeInfo.Type,
        PropertyName = "UnknownFields",
        IsExtensionData = true,
        Getter = UnknownFields.Of!,
        Setter = UnknownFields.Set,
    }));

    private void CopyExtensions(SpecExtensions from, SpecExtensions to)
    {
        foreach (var extension in from.All)
            model.FindSpecExtension(extension.GetType()).Copy(extension, to);
        UnknownFields.Copy(from, to);
    }

    // Annotations say nothing about the items of a collection, and nobody expects a null there.
    private static void RefuseNullItems(JsonTypeInfo typeInfo, object read)
    {
        foreach (var property in typeInfo.Properties)
        {
            if (property.IsExtensionData || property.Get is not { } get || property.PropertyType == typeof(string) || !typeof(IEnumerable).IsAssignableFrom(property.PropertyType))
                continue;
            bool hasNull = get(read) switch
            {
                IDictionary<string, string> labels => read is not InstanceChange && labels.Values.Contains(null!),
                IDictionary => false,
                IEnumerable<object> items => items.Contains(null!),
                _ => false,
            };
            if (hasNull)
                throw new JsonException($"An item of '{property.Name}' is null.");
        }
    }

    private static bool IsInitOnly(MethodInfo setter) => setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));

    private static object New<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] T>()
        where T : class => Activator.CreateInstance<T>();
}
