using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Lxd.Storage;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>Ways to ask that are the same for networks, projects and images.</summary>
internal static class ServerCalls
{
    private const int PreconditionFailed = 412;

    /// <summary>What is got, or null where there is none.</summary>
    public static async Task<LxdAnswer<T>?> AnyAsync<T>(Func<Task<LxdAnswer<T>>> get)
        where T : class
    {
        try
        {
            return await get().ConfigureAwait(false);
        }
        catch (LxdException error) when (error.Code == ErrorCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>Does what looks and then writes with the ETag of what it saw, anew when somebody else was faster.</summary>
    public static async Task UntilUnchangedAsync(Func<Task> change, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                await change().ConfigureAwait(false);
                return;
            }
            catch (LxdException error) when (error.Status == PreconditionFailed)
            {
                await Task.Yield();
            }
        }
    }

    /// <summary>A configuration with other values; null takes a key away.</summary>
    public static Dictionary<string, string> Changed(IDictionary<string, string>? config, IReadOnlyDictionary<string, string?> settings)
    {
        var changed = new Dictionary<string, string>(config ?? new Dictionary<string, string>(), StringComparer.Ordinal);
        foreach (var (key, value) in settings)
        {
            if (value is null)
                changed.Remove(key);
            else
                changed[key] = value;
        }

        return changed;
    }

    public static void RefuseSetting(string key, string? value)
    {
        if (!StorageRules.IsKey(key) || value is null || value.Any(char.IsControl))
            throw Refusal.Invalid("settings", $"'{key}' is no key of a configuration, or its value is none: words of letters, digits, '_' and '-' with a dot between, and one line.");
    }
}
