using Hypervisor.Sdk.Lxd.Tests.Lab;
using Hypervisor.Sdk.Testing.Lxd;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>The projects and the warnings of real servers.</summary>
[Peer("lxd")]
public sealed class LxdProjectTests(LxdLab lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task A_project_has_containers_of_its_own_within_its_limits_and_restrictions(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var backend = await ConnectAsync(server);
        var projects = backend.Get<ILxdProjects>();
        var made = await projects.CreateAsync(new LxdProjectSpec { Name = "tenant.a", Description = "a tenant", MaxContainers = 1, MaxMemory = ByteSize.FromMiB(512), IsRestricted = true, HasOwnProfiles = true, Settings = { ["user.rack"] = "r7" } }, Token);
        Assert.Equal(("tenant.a", "a tenant", "true", "1", "false", "r7"), (made.Name, made.Description, made.Config!["restricted"], made.Config["limits.containers"], made.Config["features.images"], made.Config["user.rack"]));
        Assert.Equal(ErrorCode.AlreadyExists, await RefusedAsync(() => projects.CreateAsync(new LxdProjectSpec { Name = "tenant.a" }, Token)));
        Assert.Contains(await projects.ListAsync(Token), project => project.Name == "tenant.a");

        // Of the same name as one of another project, and not the same one.
        await using var inside = await ConnectAsync(server, "tenant.a");
        await inside.Client.ProfilePatchAsync("default", new LxdProfilePut { Devices = new Dictionary<string, IDictionary<string, string>> { ["root"] = new Dictionary<string, string> { ["type"] = "disk", ["path"] = "/", ["pool"] = "default" } } }, cancellationToken: Token);
        foreach (var each in new[] { backend, inside })
            await CreateAsync(each, "same-name");
        Assert.Single(await inside.Get<IContainerRuntime>().List().ToListAsync(Token));
        var use = await projects.GetUseAsync("tenant.a", Token);
        Assert.Equal((new LxdProjectUse(1, 1), ByteSize.FromMiB(64).Bytes, ByteSize.FromMiB(512).Bytes), (use["containers"], use["memory"].Used, use["memory"].Limit));
        Assert.Null(use["networks"].Limit);

        // One too many, one that reaches for the host, and a limit below what there is.
        Assert.Equal(ErrorCode.Exhausted, await RefusedAsync(() => CreateAsync(inside, "one-too-many")));
        Assert.Equal(ErrorCode.InvalidState, await RefusedAsync(() => projects.ChangeAsync("tenant.a", new Dictionary<string, string?> { ["limits.containers"] = "0" }, null, Token)));
        var changed = await projects.ChangeAsync("tenant.a", new Dictionary<string, string?> { ["limits.containers"] = "3", ["user.rack"] = null }, null, Token);
        Assert.Equal(("3", "a tenant", false), (changed.Config!["limits.containers"], changed.Description, changed.Config.ContainsKey("user.rack")));
        await CreateAsync(inside, "a-second");
        Assert.Equal(ErrorCode.Denied, await RefusedAsync(() => CreateAsync(inside, "a-third", spec => spec.Mounts.Add(new MountSpec { Target = "/mnt", Source = new DiskContent.Existing(VolumeId.Parse("/etc")) }))));
        Assert.Equal(["a-second", "same-name"], (await inside.Get<IContainerRuntime>().List().ToListAsync(Token)).Select(instance => instance.Name).Order(StringComparer.Ordinal));

        Assert.Equal(ErrorCode.InvalidState, await RefusedAsync(() => projects.DeleteAsync("tenant.a", Token)));
        foreach (var (each, name) in new[] { (backend, "same-name"), (inside, "same-name"), (inside, "a-second") })
            await each.Get<IContainerRuntime>().DeleteAsync(InstanceId.Parse(name), new DeleteOptions(), null, Token).WaitForCompletionAsync(Token);
        await projects.DeleteAsync("tenant.a", Token);
        Assert.Null(await projects.FindAsync("tenant.a", Token));
        foreach (var missing in new Func<Task>[] { () => projects.DeleteAsync("tenant.a", Token), () => projects.GetUseAsync("tenant.a", Token), () => projects.ChangeAsync("tenant.a", new Dictionary<string, string?>(), null, Token) })
            Assert.Equal(ErrorCode.NotFound, await RefusedAsync(missing));
        foreach (var refused in new Func<Task>[]
        {
            () => projects.FindAsync("../instances", Token), () => projects.DeleteAsync("a/b", Token), () => projects.CreateAsync(new LxdProjectSpec { Name = "" }, Token), () => projects.CreateAsync(new LxdProjectSpec { Name = "x", MaxContainers = -1 }, Token),
            () => projects.CreateAsync(new LxdProjectSpec { Name = "x", IsRestricted = true }, Token), () => projects.CreateAsync(new LxdProjectSpec { Name = "x", Settings = { ["../x"] = "1" } }, Token), () => projects.ChangeAsync("x", new Dictionary<string, string?> { ["user.x"] = "a\nb" }, null, Token),
        })
        {
            var error = await Assert.ThrowsAsync<HypervisorException>(refused);
            Assert.Equal((ErrorCode.InvalidArgument, RequestOutcome.NotSent), (error.Code, error.Outcome));
        }
    }

    [Theory(Timeout = 240_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task Warnings_are_listed_taken_note_of_and_deleted(ServerKind kind)
    {
        // One of its own: what a server warns of when it starts is not made anew.
        await using var server = await lab.StartOwnAsync(kind);
        await using var backend = await ConnectAsync(server);
        var warnings = backend.Get<ILxdWarnings>();
        var warning = (await warnings.ListAsync(Token)).First(warning => warning.Status == "new");
        Assert.NotEmpty(warning.Type!);
        var id = Guid.Parse(warning.Uuid!);
        await warnings.AcknowledgeAsync(id, Token);
        Assert.Equal("acknowledged", (await warnings.ListAsync(Token)).Single(other => other.Uuid == warning.Uuid).Status);
        await warnings.DeleteAsync(id, Token);
        Assert.DoesNotContain(await warnings.ListAsync(Token), other => other.Uuid == warning.Uuid);
        Assert.Equal(ErrorCode.NotFound, await RefusedAsync(() => warnings.AcknowledgeAsync(id, Token)));
        Assert.Equal(ErrorCode.NotFound, await RefusedAsync(() => warnings.DeleteAsync(id, Token)));
    }

    private static Task<LxdBackend> ConnectAsync(PrivateServer server, string? project = null) => LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = new LxdOptions { Server = server.Socket, Project = project } }, Token);

    private static async Task CreateAsync(LxdBackend backend, string name, Action<ContainerSpec>? set = null)
    {
        var spec = new ContainerSpec { Name = InstanceName.Parse(name), Image = "busybox", MemoryLimit = ByteSize.FromMiB(64) };
        set?.Invoke(spec);
        await backend.Get<IContainerRuntime>().CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
    }

    private static async Task<ErrorCode> RefusedAsync(Func<Task> call) => (await Assert.ThrowsAnyAsync<HypervisorException>(call)).Code;
}
