namespace Hypervisor.Sdk.Remote.Wire;

/// <summary>What a frame is. Behind its length of four bytes, most significant first, a frame has its kind (one byte), the number of its call (eight bytes) and what belongs to the kind.</summary>
internal enum FrameKind : byte
{
    /// <summary>A call that is answered once: the length of its name (one byte), its name, its arguments as values.</summary>
    Call = 1,

    /// <summary>A call that stays open and carries data both ways until who was called ends it: as <see cref="Call"/>.</summary>
    Open = 2,

    /// <summary>The answer to a <see cref="Call"/>, which is over with it; or that an <see cref="Open"/> is open.</summary>
    Result = 3,

    /// <summary>That a call failed, before its answer or while it was open: it is over. The failure as values.</summary>
    Error = 4,

    /// <summary>Bytes of an open call, or some values of a list. Sent while there is credit; the last one may overdraw it.</summary>
    Data = 5,

    /// <summary>From who opened the call: no more data comes. From who was called: it is over, with what it led to as values.</summary>
    End = 6,

    /// <summary>How many bytes of data more the other side may send: four bytes.</summary>
    Credit = 7,

    /// <summary>From who called: it wants no answer any more. Who was called still ends it, in whichever way.</summary>
    Cancel = 8,
}
