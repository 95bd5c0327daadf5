using System.CodeDom.Compiler;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Repository.Tests.Surface;

/// <summary>A bit of everything that the printer has to tell apart.</summary>
public static class SurfaceSamples
{
    public delegate T? Maker<out T>(string? name, params ReadOnlySpan<int> numbers) where T : class;

    [Flags]
    public enum Effects : byte
    {
        None = 0,
        Live = 1,
    }

    public interface IShape<TSelf> where TSelf : IShape<TSelf>
    {
        static abstract TSelf Create(in int sides);

        IAsyncEnumerable<KeyValuePair<string, string?>> ListAsync(TimeSpan? timeout = null, CancellationToken cancellationToken = default);

        string Title => "";
    }

    [Experimental("HVSDK0001")]
    public readonly record struct Size(long Bytes) : IEquatable<Size>
    {
        public const string Unit = "B";
        public static readonly Size Zero;

        public static Size operator +(Size left, Size right) => new(left.Bytes + right.Bytes);
    }

    public abstract class Base : IDisposable
    {
        public event EventHandler<string>? Changed;

        public required string Name { get; init; }

        protected int Depth { get; private set; }

        public object? this[string key] => key.Length > 0 ? null : this;

        [SupportedOSPlatform("linux")]
        public virtual bool TryGet<T>([NotNullWhen(true)] out T? value) where T : class, new()
        {
            value = null;
            return false;
        }

        public abstract ValueTask<string[]> ReadAsync(List<string?>? lines, DayOfWeek day = DayOfWeek.Friday);

        public void Dispose()
        {
            Raise("disposed");
            GC.SuppressFinalize(this);
        }

        private protected void Hidden() => Depth++;

        protected void Raise(string name) => Changed?.Invoke(this, name);
    }

    [GeneratedCode("sample", "1")]
    public sealed class Generated
    {
        public int One { get; set; }

        public int Two { get; set; }
    }
}
