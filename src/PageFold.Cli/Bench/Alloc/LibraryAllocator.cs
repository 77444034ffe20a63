using System.Runtime.CompilerServices;
using PageFold.Cli.Interop;

namespace PageFold.Cli.Bench.Alloc;

/// <summary>A native library's malloc and free.</summary>
/// <param name="library">The library.</param>
/// <param name="addresses">Room for the address of each object, all zero.</param>
internal sealed class LibraryAllocator(NativeAllocator library, nint[] addresses) : Allocator(library.Name)
{
    public override void Fill(Batch batch, Contents contents)
    {
        for (int i = 0; i < batch.Count; i++)
            addresses[batch.Places[i]] = Allocate(contents[batch.Numbers[i], batch.Sizes[i]]);
    }

    public override void Free(ReadOnlySpan<int> places)
    {
        foreach (int place in places)
        {
            library.Free(addresses[place]);
            addresses[place] = 0;
        }
    }

    public override void Churn(Batch batch, bool zeroed)
    {
        for (int i = 0; i < batch.Count; i++)
        {
            ref nint address = ref addresses[batch.Places[i]];
            library.Free(address);
            address = 0;
            address = Checked(zeroed ? library.AllocateZeroed(batch.Sizes[i]) : library.Allocate(batch.Sizes[i]));
        }
    }

    public override void Churn(Batch batch, Contents contents)
    {
        for (int i = 0; i < batch.Count; i++)
        {
            ref nint address = ref addresses[batch.Places[i]];
            library.Free(address);
            address = 0;
            address = Allocate(contents[batch.Numbers[i], batch.Sizes[i]]);
        }
    }

    public override bool Holds(int place, ReadOnlySpan<byte> content) =>
        NativeAllocator.Bytes(addresses[place], content.Length).SequenceEqual(content);

    protected override void Dispose(bool disposing)
    {
        foreach (nint address in addresses)
            library.Free(address);
        Array.Clear(addresses);
        base.Dispose(disposing);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private nint Checked(nint address)
    {
        if (address == 0)
            ThrowFull();
        return address;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private nint Allocate(ReadOnlySpan<byte> content)
    {
        nint address = Checked(library.Allocate(content.Length));
        content.CopyTo(NativeAllocator.Bytes(address, content.Length));
        return address;
    }

    private void ThrowFull() => throw new UserErrorException($"{Name} finds no more memory; choose less data with --sample.");
}
