using System.Net.WebSockets;
using System.Text.Json.Nodes;

namespace Hypervisor.Sdk.AspNetCore.Tests;

/// <summary>One message of the server's.</summary>
internal sealed record SocketMessage(JsonObject? Json, uint Channel, byte[] Bytes, WebSocketCloseStatus? Close, string? Reason);
