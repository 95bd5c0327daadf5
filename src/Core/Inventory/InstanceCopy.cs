namespace Hypervisor.Sdk;

/// <summary>Copies of instances with one thing changed.</summary>
internal static class InstanceCopy
{
    public static Instance InState(this Instance instance, PowerState state, string? reason, DateTimeOffset at)
    {
        bool isOn = state == PowerState.Running || state == PowerState.Paused || state == PowerState.Stopping;
        bool wasOn = instance.State == PowerState.Running || instance.State == PowerState.Paused || instance.State == PowerState.Stopping;
        var copy = new Instance
        {
            Id = instance.Id, Incarnation = instance.Incarnation, Name = instance.Name, Kind = instance.Kind, State = state, StateReason = reason, Revision = instance.Revision,
            HasPendingChanges = instance.HasPendingChanges, IsTemplate = instance.IsTemplate, ClonedFrom = instance.ClonedFrom, Node = instance.Node, Scope = instance.Scope, Architecture = instance.Architecture,
            GuestOs = instance.GuestOs, Cpus = instance.Cpus, Memory = instance.Memory, MemoryTarget = instance.MemoryTarget, Disks = instance.Disks, Networks = instance.Networks, Labels = instance.Labels, Description = instance.Description,
            CreatedAt = instance.CreatedAt, StartedAt = !isOn ? null : wasOn ? instance.StartedAt : at,
        };
        UnknownFields.Copy(instance, copy);
        return copy;
    }
}
