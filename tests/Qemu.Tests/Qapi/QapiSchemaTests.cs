using System.Reflection;
using Hypervisor.Sdk.Qemu.GuestAgent;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Qemu.Tests.Qmp;

namespace Hypervisor.Sdk.Qemu.Tests.Qapi;

/// <summary>Nothing of the schemas is missing: counted against the generator's table, and against the QEMU that runs here.</summary>
public class QapiSchemaTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("7.2", 220, 52, 418, 39, 6, 155)]
    [InlineData("10.0", 240, 56, 468, 43, 6, 181)]
    public void The_table_has_as_much_as_the_schema(string version, int commands, int events, int structs, int unions, int alternates, int enums)
    {
        var names = QapiNames.Qmp;
        Assert.Equal(commands, names.Of("command", version).Count);
        Assert.Equal(events, names.Of("event", version).Count);
        // What only changed its name, or its kind from struct to union, counts once.
        int oldNames = version == "7.2" ? names.Renamed.Keys.Count(name => name != "String") : 0;
        int all = names.Of("struct", version).Count + names.Of("union", version).Count + names.Of("alternate", version).Count + names.Of("enum", version).Count;
        Assert.Equal(structs + unions + alternates + enums, all + names.Unused.Count);
        Assert.InRange(oldNames, 0, 10);
    }

    [Theory]
    [InlineData("7.2", 42)]
    [InlineData("10.0", 44)]
    public void The_agents_table_has_as_much_as_its_schema(string version, int commands) => Assert.Equal(commands, QapiNames.GuestAgent.Of("command", version).Count);

    [Fact]
    public void Every_command_is_a_method_and_every_type_a_type()
    {
        var methods = typeof(QmpClient).GetMethods().Select(method => method.Name).ToHashSet();
        var types = typeof(QapiValue).Assembly.GetExportedTypes().Where(type => type.Namespace == typeof(QapiValue).Namespace).Select(type => type.Name).ToHashSet();
        var missing = QapiNames.Qmp.All.Where(line => line.Kind switch
        {
            "command" => !methods.Contains(Pascal(line.Name) + "Async"),
            "event" => !types.Contains(Pascal(line.Name) + "Event"),
            _ => !types.Contains(line.Name),
        });
        Assert.Empty(missing.Select(line => line.Name));

        var agentMethods = typeof(GuestAgentClient).GetMethods().Select(method => method.Name).ToHashSet();
        Assert.Empty(QapiNames.GuestAgent.All.Where(line => line.Kind == "command" && !agentMethods.Contains(Pascal(line.Name["guest-".Length..]) + "Async")).Select(line => line.Name));
    }

    [Fact]
    public void No_public_member_is_an_object_a_dictionary_or_a_JSON_element()
    {
        var allowed = new HashSet<string> { "QapiOpenObject.Properties", "QapiAny.Json", "QapiAny.op_Implicit", "QapiAny.Equals", "QmpSchema.Entities" };
        var types = typeof(QapiValue).Assembly.GetExportedTypes().Where(type => type.Namespace is { } name && (name.EndsWith(".Qapi", StringComparison.Ordinal) || name.EndsWith(".Qmp", StringComparison.Ordinal)
            || name.EndsWith(".GuestAgent", StringComparison.Ordinal)));
        var loose = from type in types
                    from member in type.GetMembers(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
                    where member switch
                    {
                        PropertyInfo property => IsLoose(property.PropertyType),
                        MethodInfo method => method.Name is not "Equals" && (IsLoose(method.ReturnType) || method.GetParameters().Any(parameter => IsLoose(parameter.ParameterType))),
                        _ => false,
                    }
                    let name = $"{type.Name}.{member.Name}"
                    where !allowed.Contains(name) && !name.Contains(".get_", StringComparison.Ordinal) && !name.Contains(".set_", StringComparison.Ordinal)
                    select name;
        Assert.Empty(loose);

        static bool IsLoose(Type type) => type == typeof(object) || type == typeof(System.Text.Json.JsonElement) || type.IsGenericType && (type.Name.Contains("Dictionary", StringComparison.Ordinal)
            || type.GetGenericArguments().Any(IsLoose));
    }

    [Fact(Timeout = 60_000)]
    [Peer("qemu")]
    public async Task The_running_QEMU_has_no_command_event_or_argument_that_is_not_typed()
    {
        using var qemu = await QemuProcess.StartAsync();
        await using var qmp = await qemu.ConnectAsync();
        string? version = $"{qmp.ServerVersion.Major}.{qmp.ServerVersion.Minor}";
        if (version is not ("7.2" or "10.0"))
            RealPeer.Absent($"QEMU 7.2 or 10.0: QEMU {version} is installed");
        var schema = await qmp.GetSchemaAsync(Cancel);

        var commands = QapiNames.Qmp.Of("command", version).ToHashSet();
        Assert.Empty(qmp.Commands.Except(commands));
        Assert.InRange(qmp.Commands.Count, 180, commands.Count);
        Assert.Equal(qmp.Commands.Order(), schema.Entities.Values.Where(entity => entity.MetaType == SchemaMetaType.Command).Select(entity => entity.Name).Order());
        Assert.Empty(schema.Events.Except(QapiNames.Qmp.Of("event", version)));
        Assert.InRange(schema.Events.Count(), 40, 60);

        var differences = new List<string>();
        foreach (var entity in schema.Entities.Values)
        {
            if ((entity.Command?.ArgType ?? entity.Event?.ArgType) is { } arguments)
                Compare(entity.Name, schema.MembersOf(arguments).ToList(), QapiNames.Qmp.MembersOf(QapiNames.Qmp[entity.Name], version), differences);
        }

        Assert.Empty(differences);
    }

    [Fact(Timeout = 60_000)]
    [Peer("qemu")]
    public async Task The_schema_tells_which_arguments_there_are()
    {
        using var qemu = await QemuProcess.StartAsync();
        await using var qmp = await qemu.ConnectAsync();
        var schema = await qmp.GetSchemaAsync(Cancel);
        Assert.True(schema.HasCommand("query-status"));
        Assert.False(schema.HasCommand("STOP"));
        Assert.True(schema.HasEvent("STOP"));
        Assert.True(schema.HasArgument("blockdev-add", "node-name"));
        Assert.True(schema.HasArgument("blockdev-add", "file.filename"));
        Assert.False(schema.HasArgument("blockdev-add", "of-tomorrow"));
        Assert.False(schema.HasArgument("query-status", "anything"));
        Assert.True(schema.HasFeature("blockdev-add", "deprecated") is false);
        Assert.Same(schema, await qmp.GetSchemaAsync(Cancel));
    }

    private static void Compare(string name, List<SchemaInfoObjectMember> running, Dictionary<string, bool> table, List<string> differences)
    {
        // Conditions of the build may take members away; the schema's version may not have others.
        foreach (var member in running)
        {
            if (!table.TryGetValue(member.Name, out bool isOptional))
                differences.Add($"{name}.{member.Name} is not in the table");
            else if (member.Default is not null && !isOptional)
                differences.Add($"{name}.{member.Name} is optional");
        }

        var all = running.Select(member => member.Name).ToHashSet();
        differences.AddRange(table.Where(member => !member.Value && !all.Contains(member.Key)).Select(member => $"{name}.{member.Key} is required here and unknown there"));
    }

    private static string Pascal(string name) => string.Concat(name.Split('-', '_').Select(part => char.ToUpperInvariant(part[0]) + (name.Any(char.IsLower) ? part[1..] : part[1..].ToLowerInvariant())));
}
