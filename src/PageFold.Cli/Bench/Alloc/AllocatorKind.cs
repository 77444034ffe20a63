using PageFold.Cli.Interop;

namespace PageFold.Cli.Bench.Alloc;

/// <summary>A kind of allocator, of which several can be made.</summary>
/// <param name="Name">Its name in reports.</param>
/// <param name="Prepare">
/// Makes and touches the table for so many objects, so that it does not count as the allocator's memory; returns the function that makes
/// the allocator.
/// </param>
/// <param name="GiveBack">Gives back what earlier objects have left.</param>
internal sealed record AllocatorKind(string Name, Func<int, Func<Allocator>> Prepare, Action GiveBack)
{
    public static AllocatorKind Pool(int frameSize) => new(Allocator.PageFold, objects =>
    {
        ZsHandle[] handles = MakeTable<ZsHandle>(objects);
        return () => new PoolAllocator(frameSize, handles);
    }, static () => { });

    public static AllocatorKind Library(NativeAllocator library) => new(library.Name, objects =>
    {
        nint[] addresses = MakeTable<nint>(objects);
        return () => new LibraryAllocator(library, addresses);
    }, library.GiveBack);

    private static T[] MakeTable<T>(int length)
    {
        T[] table = new T[length];
        Array.Clear(table);
        return table;
    }
}
