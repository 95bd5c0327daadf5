using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>The sessions, kept in the state directory so that a restarted host still knows its browsers.</summary>
internal sealed partial class SessionStore
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);

    private const int CookieBytes = 32;
    private const int MaxSessions = 64;
    private const int MaxCookieChars = 128;

    private readonly Lock _gate = new();
    private readonly StateDirectory _state;
    private readonly TimeProvider _time;
    private readonly Dictionary<string, Session> _sessions;

    public SessionStore(StateDirectory state, TimeProvider time)
    {
        (_state, _time) = (state, time);
        _sessions = Read(state.Sessions).Where(session => session.ExpiresAt > time.GetUtcNow()).ToDictionary(session => session.Digest, StringComparer.Ordinal);
    }

    /// <returns>The cookie.</returns>
    public string Begin()
    {
        string cookie = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(CookieBytes));
        lock (_gate)
        {
            if (_sessions.Count >= MaxSessions && _sessions.Values.MinBy(session => session.ExpiresAt) is { } oldest)
                _sessions.Remove(oldest.Digest);
            _sessions.Add(DigestOf(cookie), new(DigestOf(cookie), _time.GetUtcNow() + Lifetime));
            Save();
        }

        return cookie;
    }

    public bool IsGood(string? cookie)
    {
        if (cookie is null or { Length: 0 or > MaxCookieChars })
            return false;
        lock (_gate)
            return _sessions.TryGetValue(DigestOf(cookie), out var session) && session.ExpiresAt > _time.GetUtcNow();
    }

    public void End(string cookie)
    {
        lock (_gate)
        {
            if (_sessions.Remove(DigestOf(cookie)))
                Save();
        }
    }

    /// <summary>What a page of ours says with every request that changes something, and no other page can know. It follows from the cookie, so nothing more is kept.</summary>
    public static string CsrfOf(string cookie) => Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(cookie), "csrf"u8));

    public static bool IsCsrfOf(string cookie, string said) => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(CsrfOf(cookie)), Encoding.UTF8.GetBytes(said));

    private static string DigestOf(string cookie) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(cookie)));

    private static Session[] Read(string path) => File.Exists(path) ? JsonSerializer.Deserialize(File.ReadAllBytes(path), SessionJson.Default.SessionArray) ?? [] : [];

    private void Save() => StateDirectory.Write(_state.Sessions, JsonSerializer.SerializeToUtf8Bytes([.. _sessions.Values], SessionJson.Default.SessionArray));

    [JsonSerializable(typeof(Session[]))]
    private sealed partial class SessionJson : JsonSerializerContext;
}
