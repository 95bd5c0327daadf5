using System.Text.Json;

namespace Hypervisor.Sdk.Transport.Http;

/// <summary>Reads JSON tokens until <see cref="Utf8JsonReader.Read"/> says that there are no more for now.</summary>
/// <param name="reader">Over the tokens that have arrived.</param>
/// <param name="state">What is filled, and what must be remembered until the next call.</param>
public delegate void JsonTokens<in TState>(ref Utf8JsonReader reader, TState state);
