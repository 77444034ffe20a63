using System.Runtime.InteropServices;

namespace PageFold.Store.Log;

/// <summary>
/// A page's record in the writeback file: the page's number (4 bytes), the checksum (4), and the stored bytes, from one unit of 16 bytes to
/// another.
/// </summary>
internal static class RecordFormat
{
    /// <summary>Bytes before the stored bytes.</summary>
    public const int HeaderBytes = 8;

    public const int UnitShift = 4;

    /// <summary>Bits of a position, which counts units: 256 GiB.</summary>
    public const int PositionBits = 34;

    /// <summary>Bytes that the record of so many stored bytes takes.</summary>
    public static int Bytes(int size) => size + HeaderBytes + (1 << UnitShift) - 1 >> UnitShift << UnitShift;

    /// <summary>Number and checksum, as an object's tag has them.</summary>
    public static ulong Header(ReadOnlySpan<byte> record) => MemoryMarshal.Read<ulong>(record);

    public static uint Page(ReadOnlySpan<byte> record) => MemoryMarshal.Read<uint>(record);

    public static uint Checksum(ReadOnlySpan<byte> record) => MemoryMarshal.Read<uint>(record[sizeof(uint)..]);
}
