/** Files that survive a crash, and formats: safetensors, PyTorch's pickles, JSON. */
package jambic.model.io;
