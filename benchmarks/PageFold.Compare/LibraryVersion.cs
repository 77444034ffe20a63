using System.Runtime.Loader;

namespace PageFold.Compare;

/// <summary>One version of the library, loaded beside others.</summary>
internal sealed class LibraryVersion
{
    private readonly Action<int[], int> _write;
    private readonly Action<int[]> _read;
    private readonly Action _end;

    /// <param name="folder">Has the worker, the library and what it needs.</param>
    /// <param name="image">What is stored.</param>
    /// <param name="pageSize">Bytes in a page.</param>
    /// <param name="codec">The codec's name.</param>
    public LibraryVersion(string folder, byte[] image, int pageSize, string codec)
    {
        AssemblyLoadContext context = new(folder);
        context.Resolving += (_, name) =>
        {
            string file = Path.Combine(folder, $"{name.Name}.dll");
            return File.Exists(file) ? context.LoadFromAssemblyPath(file) : null;
        };
        Type worker = context.LoadFromAssemblyPath(Path.Combine(folder, "PageFold.CompareWorker.dll"))
            .GetType("PageFold.CompareWorker.StoreWorker", throwOnError: true)!;
        (_write, _read, _end) = ((Action<int[], int>, Action<int[]>, Action))worker.GetMethod("Create")!.Invoke(null,
            [image, pageSize, codec])!;
    }

    public void Write(int[] places, int shift) => _write(places, shift);

    public void Read(int[] places) => _read(places);

    public void End() => _end();
}
